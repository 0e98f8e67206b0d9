import { printConfig, printHelp, type ResolvedConfig, resolveConfig } from './config.resolve.js';
import { startControlPlane } from './control-plane.js';
import { EXIT, StartError } from './start-error.js';

/** A stop that takes longer is cut short: supervisors kill after 30 s anyway (REL-15). */
const STOP_WITHIN_MS = 25_000;

const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

function configuration(argv: readonly string[]): ResolvedConfig {
  const resolved = resolveConfig(argv, process.env);
  if (resolved.ok) return resolved.value;
  throw new StartError(EXIT.configuration, resolved.error.join('\n'));
}

/** Resolves when the process has been asked to stop, or its parent is gone. A second signal changes nothing. */
function asked(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  process.on('SIGTERM', () => resolve());
  process.on('SIGINT', () => resolve());
  process.on('disconnect', () => resolve());
  return promise;
}

async function serve(argv: readonly string[]): Promise<void> {
  const { config } = configuration(argv);
  // From here on: whoever stops us during the start gets an orderly end, too.
  const stop = asked();
  const running = await startControlPlane(config, { onProgress: say });
  say(`Heddle is ready: REST ${running.restUrl}, xDS on port ${running.xdsPort}`);
  const { restUrl, caPem } = running;
  process.send?.({ ready: { restUrl, caPem, dataDir: config.dataDir } });
  if (running.adminTokenFile !== undefined) say(`one-time admin token: ${running.adminTokenFile}`);
  await stop;
  setTimeout(() => process.exit(EXIT.internal), STOP_WITHIN_MS).unref();
  await running.stop();
}

async function main(argv: readonly string[]): Promise<void> {
  if (argv.includes('--help')) {
    process.stdout.write(`Starts the control plane. Settings, also from a YAML file (--config FILE):\n${printHelp()}`);
  } else if (argv[0] === 'config') {
    process.stdout.write(printConfig(configuration(argv.slice(1))));
  } else {
    await serve(argv);
  }
}

try {
  await main(process.argv.slice(2));
  // Nothing that is still open may keep a process alive that has stopped.
  process.exit(0);
} catch (error) {
  const expected = error instanceof StartError;
  say(`heddle: ${expected ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  process.exit(expected ? error.exitCode : EXIT.internal);
}
