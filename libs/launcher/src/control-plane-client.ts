import { request as httpRequest, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import { ControlPlaneError, ControlPlaneUnreachable, LauncherError } from './launcher-error.js';
import { type ProblemDetails, summaryOf } from './problem.js';
import { errorCode } from './run-command.js';

/** Where a workload and its sidecar listen: the body of an instance's registration. */
export interface InstanceRegistration {
  readonly workload: string;
  /** Within those that the token grants. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Where the sidecar listens for other hosts; ports by name. */
  readonly bind: NamedPorts;
  /** Where the application listens: loopback. */
  readonly app: NamedPorts;
  /** Address that callers dial, when it is not that of `bind` (address translation). */
  readonly advertised?: string;
  /** Where the application reaches the mesh. */
  readonly outbound?: { readonly address?: string; readonly httpPort?: number };
  /** The machine, for spreading changes over machines; default the bind address. */
  readonly host?: string;
  readonly locality?: { readonly region?: string; readonly zone?: string };
  /** Where Prometheus reaches the sidecar's statistics; default nowhere, default address that callers dial. */
  readonly metrics?: {
    readonly address?: string;
    readonly port: number;
    /** `METRICS_DETAILS` of what wrote its start-up file. */
    readonly details?: readonly string[];
  };
}

export interface NamedPorts {
  readonly address: string;
  readonly ports: Readonly<Record<string, number>>;
}

export interface IssuedToken {
  readonly token: string;
  /** ISO 8601. */
  readonly expiresAt: string;
}

export interface ControlPlaneClientOptions {
  /** `https://heddle.example.com:8190`; plain http on loopback only. */
  readonly url: string;
  /** An API token, or a proxy token for what a proxy may do for itself. A function is asked before every request. */
  readonly token: string | (() => string);
  /** The CA that the control plane's certificate must chain to; default: those of the system. */
  readonly caPem?: string;
  /** The name in its certificate, when it is not the host of the URL. */
  readonly serverName?: string;
  /** Default 10000. Waiting requests take as much longer as they wait. */
  readonly timeoutMs?: number;
}

interface Call {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly waitMs?: number;
}

/**
 * The few REST calls that a host needs to join, renew and leave. Certificates are checked against the given CA only:
 * `fetch` cannot be told a CA per call, so this is `node:https`.
 */
export class ControlPlaneClient {
  readonly #options: ControlPlaneClientOptions;
  readonly #url: URL;

  /** @throws LauncherError for a URL that would send the token in the clear to another host. */
  constructor(options: ControlPlaneClientOptions) {
    this.#options = options;
    this.#url = parseUrl(options.url);
  }

  /** Registers an instance or replaces its registration; safe to repeat. */
  async registerInstance(mesh: string, namespace: string, name: string, body: InstanceRegistration): Promise<void> {
    await this.#json({ method: 'PUT', path: instancePath(mesh, namespace, name), body });
  }

  /**
   * Takes an instance out of every caller's endpoints.
   * @param waitSeconds 0 to 30: how long to wait until all callers have ACKed the removal.
   * @returns whether they have.
   */
  async deregister(mesh: string, namespace: string, name: string, waitSeconds = 5): Promise<boolean> {
    const path = `${instancePath(mesh, namespace, name)}?wait=${waitSeconds}`;
    const answer = await this.#json<{ acked?: boolean }>({ method: 'DELETE', path, waitMs: waitSeconds * 1000 });
    return answer.acked === true;
  }

  /** A fresh token for the same proxy and as long a life; the one this client presents must still be valid. */
  renewToken(): Promise<IssuedToken> {
    return this.#json({ method: 'POST', path: '/api/v1/tokens/renew' });
  }

  async #json<T>(call: Call): Promise<T> {
    const { status, text } = await this.#send(call);
    if (status < 200 || status > 299) throw refusal(status, text);
    try {
      return (text === '' ? {} : JSON.parse(text)) as T;
    } catch (error) {
      const message = `${this.#url.origin} answered ${call.path} with something that is no JSON: is it a Heddle control plane?`;
      throw new LauncherError(message, { cause: error });
    }
  }

  #send({ method, path, body, waitMs = 0 }: Call): Promise<{ status: number; text: string }> {
    const { token, timeoutMs = 10_000 } = this.#options;
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const headers: Record<string, string | number> = {
      authorization: `Bearer ${typeof token === 'string' ? token : token()}`,
    };
    if (payload !== undefined) {
      headers['content-type'] = 'application/json';
      headers['content-length'] = Buffer.byteLength(payload);
    }
    return new Promise((resolve, reject) => {
      const failed = (error: Error): void => reject(unreachable(this.#url.origin, error));
      const options: RequestOptions = {
        method,
        headers,
        agent: false,
        signal: AbortSignal.timeout(timeoutMs + waitMs),
      };
      const url = new URL(path, this.#url);
      const secure = url.protocol === 'https:';
      const call = secure ? httpsRequest(url, { ...options, ...this.#trust(url) }) : httpRequest(url, options);
      call.on('response', (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
        response.on('error', failed);
      });
      call.on('error', failed);
      call.end(payload);
    });
  }

  #trust(url: URL): { ca?: string; servername?: string } {
    const { caPem, serverName } = this.#options;
    const name = serverName ?? (isIP(url.hostname) === 0 ? url.hostname : undefined);
    return { ...(caPem !== undefined && { ca: caPem }), ...(name !== undefined && { servername: name }) };
  }
}

const scope = (mesh: string, namespace: string): string =>
  `/api/v1/meshes/${encodeURIComponent(mesh)}/namespaces/${encodeURIComponent(namespace)}`;

const instancePath = (mesh: string, namespace: string, name: string): string =>
  `${scope(mesh, namespace)}/instances/${encodeURIComponent(name)}`;

function parseUrl(text: string): URL {
  if (!URL.canParse(text)) throw new LauncherError(`${JSON.stringify(text)} is no URL: write https://HOST:PORT`);
  const url = new URL(text);
  if (url.protocol === 'https:') return url;
  const loopback = url.hostname === 'localhost' || url.hostname === '[::1]' || /^127(\.\d+){3}$/.test(url.hostname);
  if (url.protocol === 'http:' && loopback) return url;
  throw new LauncherError(`${text} would send the token unencrypted to another host: use https`);
}

/** RFC 9457 in one line; whatever else answered is quoted. */
function refusal(status: number, text: string): ControlPlaneError {
  let problem: ProblemDetails = {};
  try {
    problem = JSON.parse(text) as ProblemDetails;
  } catch {
    problem = { detail: text.slice(0, 200).trim() };
  }
  const violations = (problem.violations ?? []).map(({ path, message }) => `${path || 'document'}: ${message}`);
  const said = [summaryOf(problem), ...violations].filter(Boolean).join('; ');
  const code = problem.type?.replace(/^urn:heddle:problem:/, '') ?? '';
  return new ControlPlaneError(`the control plane answered ${status}${said ? `: ${said}` : ''}`, status, code);
}

function unreachable(origin: string, error: Error): ControlPlaneUnreachable {
  const code = errorCode(error);
  if (code === 'ECONNREFUSED')
    return new ControlPlaneUnreachable(`nobody listens at ${origin}: is the control plane running there?`, {
      cause: error,
    });
  if (error.name === 'TimeoutError' || error.name === 'AbortError') {
    return new ControlPlaneUnreachable(`${origin} did not answer in time`, { cause: error });
  }
  return new ControlPlaneUnreachable(`cannot reach the control plane at ${origin}: ${error.message}`, { cause: error });
}
