// `npm test`: prepares the checkout, an Envoy, a browser and a Prometheus, then runs the tests with Node 24; arguments go to vitest. The last line
// is the tally that libs/testing/src/tally.reporter.ts prints.
import { join } from 'node:path';
import { ensureReady, root, runAndExit, start } from '../envoy/setup.mjs';

await start(async () => {
  const node = await ensureReady({ envoy: true, chromium: true, prometheus: true });
  process.chdir(root);
  await runAndExit(node, [join('node_modules', 'vitest', 'vitest.mjs'), 'run', ...process.argv.slice(2)]);
});
