// `npm run demo`: prepares the checkout, then runs the demo with Node 24. Needs Node 20 and nothing else.
import { ensureReady, root, runAndExit, start } from '../../envoy/setup.mjs';

await start(async () => {
  const node = await ensureReady();
  await runAndExit(node, ['--enable-source-maps', `${root}/dist/apps/demo/src/main.js`, ...process.argv.slice(2)]);
});
