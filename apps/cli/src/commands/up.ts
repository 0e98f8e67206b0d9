import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { ensureAdminToken } from '#libs/identity';
import { systemClock } from '#libs/kernel';
import { type Context, resolveContext, saveContext } from '../context.js';
import { CliError, EXIT } from '../exit-codes.js';
import { note } from '../output.js';
import { RestClient } from '../rest-client.js';

interface Flags {
  readonly dataDir: string;
  readonly restPort: string;
  readonly xdsPort: string;
  readonly config?: string;
}

const READY_WITHIN_MS = 120_000;

/** Starts the control plane in the foreground and logs this user in: the first run exchanges the one-time admin token. */
export function upCommand(): Command {
  return new Command('up')
    .description('start a control plane with its own Postgres, and log in')
    .option('--data-dir <dir>', 'where the database, keys and the admin token are kept', '.heddle')
    .option('--rest-port <port>', 'admin API', '8190')
    .option('--xds-port <port>', 'xDS for Envoys', '8191')
    .option('--config <file>', 'configuration file; `heddle config` shows what is in force')
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  const entry = join(import.meta.dirname, '../../../control-plane/src/main.js');
  const args = [
    '--data-dir',
    flags.dataDir,
    '--rest-port',
    flags.restPort,
    '--xds-port',
    flags.xdsPort,
    ...(flags.config ? ['--config', flags.config] : []),
  ];
  const child = spawn(process.execPath, ['--enable-source-maps', entry, ...args], { stdio: 'inherit' });
  const ended = new Promise<number>((resolve) => child.once('exit', (code) => resolve(code ?? 0)));
  // Ctrl-C reaches the child too, since it is in the same group: this process only waits for its orderly end.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  const server = `http://127.0.0.1:${flags.restPort}`;
  if (await ready(server, child)) await logIn(server, flags.dataDir);
  const code = await ended;
  if (code !== 0) throw new CliError(`the control plane ended with code ${code}`, EXIT.refused);
}

async function ready(server: string, child: ChildProcess): Promise<boolean> {
  const deadline = performance.now() + READY_WITHIN_MS;
  while (performance.now() < deadline && child.exitCode === null) {
    const answer = await fetch(`${server}/readyz`).catch(() => undefined);
    if (answer?.ok) return true;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return false;
}

async function logIn(server: string, dataDir: string): Promise<void> {
  if (await tokenStillGood(server)) {
    note(`heddle: ready at ${server}; the context you have is still good. In another terminal: heddle status`);
    return;
  }
  // Who may write into the data directory may do anything with this control plane: a lost token is no lock-out.
  const { path: file } = await ensureAdminToken(dataDir, systemClock);
  const once = readFileSync(file, 'utf8').trim();
  const rest = new RestClient({ server, token: '' });
  const { token } = await rest.send<{ token: string }>('POST', '/api/v1/login/exchange', {
    body: { token: once, name: `cli-${hostname().toLowerCase()}` },
  });
  const context: Context = { name: 'local', server, token, mesh: 'default', namespace: 'default' };
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
