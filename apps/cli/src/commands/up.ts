import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { z } from 'zod';
import { systemClock } from '#libs/kernel';
import { resolveContext, serverUrl } from '../context.js';
import { saveContext } from '../context-file.js';
import { CliError, EXIT } from '../exit-codes.js';
import { note } from '../output.js';
import { RestClient } from '../rest-client.js';
import { exchange } from './login.js';

interface Flags {
  readonly dataDir?: string;
  readonly restPort?: string;
  readonly xdsPort?: string;
  readonly config?: string;
}

const HELP = `
Exit codes are those of the control plane: 0 stopped on request; 1 a mistake of Heddle; 2 a setting is wrong; 3 a port;
4 the database; 5 the data directory; 6 the key; 128 + number of the signal that ended it.`;

/** What the control plane tells its parent once it is ready. */
const readySchema = z.object({ ready: z.object({ restUrl: z.string(), dataDir: z.string(), caPem: z.string() }) });
type Ready = z.infer<typeof readySchema>['ready'];

/** Starts the control plane in the foreground and logs this user in: the first run exchanges the one-time admin token. */
export function upCommand(): Command {
  return new Command('up')
    .description('start a control plane with its own Postgres, and log in')
    .option('--data-dir <dir>', 'where the database, keys and the admin token are kept (default: .heddle)')
    .option('--rest-port <port>', 'admin API (default: 8190)')
    .option('--xds-port <port>', 'xDS for Envoys (default: 8191)')
    .option('--config <file>', 'configuration file; `heddle config` shows what is in force')
    .allowUnknownOption()
    .allowExcessArguments()
    .argument('[flags...]', 'any other setting of the control plane, as `heddle config` lists them')
    .addHelpText('after', HELP)
    .action((_others: string[], flags: Flags, command: Command) => run(flags, command.args));
}

async function run(flags: Flags, others: readonly string[]): Promise<void> {
  const entry = join(import.meta.dirname, '../../../control-plane/src/main.js');
  const args = [
    ...given('--data-dir', flags.dataDir),
    ...given('--rest-port', flags.restPort),
    ...given('--xds-port', flags.xdsPort),
    ...given('--config', flags.config),
    ...others,
  ];
  // The control plane ends when this process is gone, even when it was killed: that is what it sees on the channel.
  const stdio = ['inherit', 'inherit', 'inherit', 'ipc'] as const;
  const child = spawn(process.execPath, ['--enable-source-maps', entry, ...args], { stdio: [...stdio] });
  const ended = new Promise<Ending>((resolve) =>
    child.once('exit', (code, signal) => resolve({ ended: true, code, signal })),
  );
  // Ctrl-C reaches the child too, since it is in the same group: this process only waits for its orderly end.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  const ready = await Promise.race([readiness(child), ended]);
  if (!('ended' in ready)) await logIn(ready);
  requireOrderly(await ended);
}

interface Ending {
  readonly ended: true;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** @throws CliError with the code of the control plane, which has said why; a signal says nothing by itself */
function requireOrderly({ code, signal }: Ending): void {
  if (signal !== null) throw new CliError(`the control plane was ended by ${signal}`, 128 + constants.signals[signal]);
  if (code !== 0) throw new CliError(`the control plane ended with code ${code}`, code ?? EXIT.internal);
}

const given = (flag: string, value: string | undefined): string[] => (value === undefined ? [] : [flag, value]);

const readiness = (child: ChildProcess): Promise<Ready> =>
  new Promise((resolve) => child.once('message', (message) => resolve(readySchema.parse(message).ready)));

async function logIn({ restUrl, dataDir, caPem }: Ready): Promise<void> {
  const server = serverUrl(restUrl, 'the control plane');
  const ca = server.startsWith('https:') ? { ca: caPem } : {};
  if (await tokenStillGood(server)) {
    note(`heddle: ready at ${server}; the context you have is still good. In another terminal: heddle status`);
    return;
  }
  // Who may write into the data directory may do anything with this control plane: a lost token is no lock-out.
  const { ensureAdminToken } = await import('#libs/identity');
  const { path: file } = await ensureAdminToken(dataDir, systemClock);
  const token = await exchange({ server, token: '', ...ca }, readFileSync(file, 'utf8').trim());
  const path = saveContext('local', { server, token, mesh: 'default', namespace: 'default', ...ca }, process.env);
  note(
    `heddle: ready at ${server}; you are logged in as admin for 30 days (${path}). In another terminal: heddle status`,
  );
}

async function tokenStillGood(server: string): Promise<boolean> {
  try {
    const context = resolveContext({ server }, process.env);
    await new RestClient(context).get('/api/v1/meshes');
    return true;
  } catch (error) {
    if (error instanceof CliError) return false;
    throw error;
  }
}
