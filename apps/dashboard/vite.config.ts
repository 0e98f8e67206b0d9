import { join } from 'node:path';
import { defaultClientConditions, defineConfig } from 'vite';

const root = import.meta.dirname;

// The dashboard is files: the control plane serves them. `npm run dashboard:dev` serves the sources and asks a control
// plane on this machine for everything else.
export default defineConfig({
  root,
  // Libraries are read as they are written, like pages.
  resolve: { conditions: ['heddle-src', ...defaultClientConditions] },
  build: {
    outDir: join(root, '../../dist/apps/dashboard'),
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2023',
    // One chunk of styles: pages that are loaded later need no second look at them.
    cssCodeSplit: false,
    chunkSizeWarningLimit: 700,
    rolldownOptions: {
      // `use client` of libraries is for servers that render.
      onLog: (level, log, handle) => {
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') handle(level, log);
      },
    },
  },
  server: { proxy: { '/api': process.env['HEDDLE_SERVER'] ?? 'http://127.0.0.1:8190' } },
});
