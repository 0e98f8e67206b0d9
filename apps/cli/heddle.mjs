#!/usr/bin/env node
// `npx heddle`: prepares the checkout when it is not, silently when it is, then runs the CLI with Node 24.
import { ensureReady, root, runAndExit, start } from '../../envoy/setup.mjs';

await start(async () => {
  const node = await ensureReady();
  await runAndExit(node, ['--enable-source-maps', `${root}/dist/apps/cli/src/main.js`, ...process.argv.slice(2)]);
});
