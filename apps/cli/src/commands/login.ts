import { hostname } from 'node:os';
import { Command } from 'commander';
import { serverUrl } from '../context.js';
import { saveContext } from '../context-file.js';
import { readCertificates, readTokenFile } from '../files.js';
import { note } from '../output.js';
import { RestClient } from '../rest-client.js';

/** What the control plane leaves in its data directory on the first run: good for one exchange. */
const ONE_TIME = /^hdl_once_/;

interface Flags {
  readonly server: string;
  readonly ca?: string;
  readonly tokenFile?: string;
  readonly name?: string;
  readonly mesh: string;
  readonly namespace: string;
}

export function loginCommand(): Command {
  return new Command('login')
    .description('store address and token of a control plane as a context, once they have been seen to work')
    .requiredOption('--server <url>', 'address of the control plane')
    .option('--ca <file>', 'CA of its certificate, PEM (HEDDLE_CA); default: those of this machine')
    .option('--token-file <file>', 'file with an API token or the one-time admin token (default: standard input)')
    .option('--name <context>', 'name of the context (default: the host of the server)')
    .option('-m, --mesh <name>', 'mesh of the context', 'default')
    .option('-n, --namespace <name>', 'namespace of the context', 'default')
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  const server = serverUrl(flags.server, '--server');
  const authority = process.env['HEDDLE_CA'];
  const ca = flags.ca ? readCertificates(flags.ca, '--ca') : authority && readCertificates(authority, 'HEDDLE_CA');
  const trust = ca ? { ca } : {};
  if (!flags.tokenFile && process.stdin.isTTY) note('paste the token, then press Enter and Ctrl-D');
  const given = readTokenFile(flags.tokenFile ?? '-');
  const token = ONE_TIME.test(given) ? await exchange({ server, token: '', ...trust }, given) : given;
  await new RestClient({ server, token, ...trust }).get('/api/v1/meshes');
  const name = flags.name ?? new URL(server).hostname;
  const path = saveContext(
    name,
    { server, token, mesh: flags.mesh, namespace: flags.namespace, ...trust },
    process.env,
  );
  note(`logged in at ${server}; stored as context ${name} in ${path}`);
}

/** Turns a one-time admin token into an admin token of 30 days that carries the name of this machine. */
export async function exchange(
  at: { readonly server: string; readonly token: string; readonly ca?: string },
  once: string,
): Promise<string> {
  const { token } = await new RestClient(at).send<{ token: string }>('POST', '/api/v1/login/exchange', {
    body: { token: once, name: `cli-${hostname().toLowerCase()}` },
  });
  return token;
}
