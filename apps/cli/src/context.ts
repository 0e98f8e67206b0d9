import { readContextFile, type StoredContext, storedContext } from './context-file.js';
import { CliError, EXIT } from './exit-codes.js';
import { readCertificates } from './files.js';

/** Where a command goes to, and as whom. */
export interface Context {
  readonly server: string;
  readonly token: string;
  readonly mesh: string;
  readonly namespace: string;
  /** Certificate of the authority of an https server, PEM; trusted beside those of the system. */
  readonly ca?: string | undefined;
}

export interface ContextFlags {
  readonly context?: string;
  readonly server?: string;
  readonly token?: string;
  readonly mesh?: string;
  readonly namespace?: string;
}

/**
 * Flags win over the environment, the environment over the file. Token and CA of a stored context go to the server of
 * that context only: whoever names another server has to say who he is there.
 * @throws CliError when no server or token is known
 */
export function resolveContext(flags: ContextFlags, env: NodeJS.ProcessEnv): Context {
  const stored = chosen(flags.context ?? env['HEDDLE_CONTEXT'], env);
  const named = flags.server ?? env['HEDDLE_SERVER'];
  const server = named === undefined ? stored?.server : serverUrl(named, flags.server ? '--server' : 'HEDDLE_SERVER');
  const own = stored !== undefined && server === stored.server ? stored : undefined;
  const token = flags.token ?? env['HEDDLE_TOKEN'] ?? own?.token;
  if (!server) throw unknown('no control plane is known');
  if (!token && stored) {
    throw new CliError(`the stored token is for ${stored.server}; it is not sent to ${server}`, EXIT.usage, [
      'set HEDDLE_TOKEN or pass --token, or log in there: heddle login --server URL',
    ]);
  }
  if (!token) throw unknown(`no token is known for ${server}`);
  const file = env['HEDDLE_CA'];
  const ca = file ? readCertificates(file, 'HEDDLE_CA') : own?.ca;
  return { server, token, ...place(flags, env, stored), ...(ca ? { ca } : {}) };
}

/** The context that was named, else the current one, which need not be there. */
function chosen(name: string | undefined, env: NodeJS.ProcessEnv): StoredContext | undefined {
  const file = readContextFile(env);
  return name === undefined ? file.contexts[file.current] : storedContext(file, name);
}

function place(flags: ContextFlags, env: NodeJS.ProcessEnv, stored: StoredContext | undefined) {
  return {
    mesh: flags.mesh ?? env['HEDDLE_MESH'] ?? stored?.mesh ?? 'default',
    namespace: flags.namespace ?? env['HEDDLE_NAMESPACE'] ?? stored?.namespace ?? 'default',
  };
}

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/**
 * The address of a control plane without a slash at its end.
 * @throws CliError when it is none, or plain http off this machine: what is sent there carries a token
 */
export function serverUrl(text: string, source: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' && !LOOPBACK.test(url.hostname)) {
    throw new CliError(
      `${source} ${text}: a token would go over the network in plain text; write https://`,
      EXIT.usage,
    );
  }
  if (url && /^https?:$/.test(url.protocol)) return url.href.replace(/\/$/, '');
  throw new CliError(`${source} ${text}: write http://HOST:PORT or https://HOST:PORT`, EXIT.usage);
}

const unknown = (what: string): CliError =>
  new CliError(what, EXIT.unreachable, [
    'start one with `heddle up`, or log in with `heddle login`, or set HEDDLE_SERVER and HEDDLE_TOKEN',
  ]);
