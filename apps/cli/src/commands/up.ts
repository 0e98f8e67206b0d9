import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { z } from 'zod';
import { ensureAdminToken } from '#libs/identity';
import { systemClock } from '#libs/kernel';
import { type Context, resolveContext, saveContext } from '../context.js';
import { CliError, EXIT } from '../exit-codes.js';
import { note } from '../output.js';
import { RestClient } from '../rest-client.js';

interface Flags {
  readonly dataDir?: string;
  readonly restPort?: string;
  readonly xdsPort?: string;
  readonly config?: string;
}

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
  const ended = new Promise<number>((resolve) => child.once('exit', (code) => resolve(code ?? EXIT.refused)));
  // Ctrl-C reaches the child too, since it is in the same group: this process only waits for its orderly end.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  const ready = await Promise.race([readiness(child), ended]);
  if (typeof ready !== 'number') await logIn(ready);
  const code = await ended;
  if (code !== 0) throw new CliError(`the control plane ended with code ${code}`, EXIT.refused);
}

const given = (flag: string, value: string | undefined): string[] => (value === undefined ? [] : [flag, value]);

const readiness = (child: ChildProcess): Promise<Ready> =>
  new Promise((resolve) => child.once('message', (message) => resolve(readySchema.parse(message).ready)));

async function logIn({ restUrl: server, dataDir, caPem }: Ready): Promise<void> {
  const ca = server.startsWith('https:') ? { ca: caPem } : {};
  if (await tokenStillGood(server)) {
    note(`heddle: ready at ${server}; the context you have is still good. In another terminal: heddle status`);
    return;
  }
  // Who may write into the data directory may do anything with this control plane: a lost token is no lock-out.
  const { path: file } = await ensureAdminToken(dataDir, systemClock);
  const once = readFileSync(file, 'utf8').trim();
  const rest = new RestClient({ server, token: '', ...ca });
  const { token } = await rest.send<{ token: string }>('POST', '/api/v1/login/exchange', {
    body: { token: once, name: `cli-${hostname().toLowerCase()}` },
  });
  const context: Context = { name: 'local', server, token, mesh: 'default', namespace: 'default', ...ca };
  const path = saveContext(context, process.env);
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
