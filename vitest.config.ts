import { defineConfig } from 'vitest/config';

const root = import.meta.dirname;
const alias = [
  { find: /^#policies$/, replacement: `${root}/libs/policies/index.ts` },
  { find: /^#policies\/names$/, replacement: `${root}/libs/policies/names.ts` },
  { find: /^#libs\/(.+)\/(errors|names|views)$/, replacement: `${root}/libs/$1/src/$2.ts` },
  { find: /^#libs\/([^/]+)$/, replacement: `${root}/libs/$1/src/index.ts` },
];

// Two projects: pure tests share one process and need nothing; the others get a real Postgres and real Envoys.
// A file whose name ends in .pg.spec.ts, .envoy.spec.ts or .e2e.spec.ts, or that lies in test/, is of the second kind.
const HEAVY = ['**/*.{pg,envoy,e2e}.spec.ts', 'test/**/*.spec.ts'];
// A limit only ends what hangs: machines that run tests are shared, and a slow one is no failure.
const PATIENCE_MS = 600_000;
/** The same for what is looked at again and again; by itself vitest gives it one second. */
const POLL_MS = 120_000;
const SKIP = ['node_modules/**', 'dist/**', '.heddle/**'];

export default defineConfig({
  resolve: { alias },
  test: {
    // More than machines of CI have cores: most tests wait for others much of the time.
    maxWorkers: 3,
    reporters: ['default', './libs/testing/src/tally.reporter.ts'],
    projects: [
      {
        resolve: { alias },
        test: {
          name: 'unit',
          include: ['libs/**/*.spec.ts', 'apps/**/*.spec.ts'],
          exclude: [...HEAVY, ...SKIP],
          pool: 'threads',
          isolate: false,
          testTimeout: PATIENCE_MS,
          hookTimeout: PATIENCE_MS,
          expect: { poll: { timeout: POLL_MS, interval: 20 } },
        },
      },
      {
        resolve: { alias },
        test: {
          name: 'feature',
          include: HEAVY,
          exclude: SKIP,
          pool: 'forks',
          // What the server is made of takes two seconds to load: a process runs one file after another.
          isolate: false,
          globalSetup: ['libs/testing/src/postgres.global.ts'],
          testTimeout: PATIENCE_MS,
          hookTimeout: PATIENCE_MS,
          expect: { poll: { timeout: POLL_MS, interval: 20 } },
        },
      },
    ],
  },
});
