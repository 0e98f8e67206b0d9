import { request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { isIP } from 'node:net';
import type { Egress } from './egress.js';
import { EgressRefused } from './egress.js';
import { DeliveryFailed } from './failure.js';

export interface Post {
  readonly url: string;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;
}

export interface PostOptions {
  readonly egress: Egress;
  /** Further certificates that are trusted, PEM; undefined = those of the system alone. */
  readonly ca?: readonly string[] | undefined;
  /** For the whole of it, milliseconds. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

const TIMEOUT_MS = 5_000;
const MOST_ANSWERED = 256 * 1024;
/** The message itself is refused. */
const HOPELESS: readonly number[] = [400, 410, 413, 415, 422];

/**
 * Posts JSON. The host is resolved once and that address is dialled; no redirect is followed, what is answered is read to
 * at most 256 KB and looked at no further than the status (SEC-41).
 * @throws DeliveryFailed
 */
export async function post({ url, body, headers }: Post, options: PostOptions): Promise<void> {
  const where = URL.canParse(url) ? new URL(url) : undefined;
  if (!where || !/^https?:$/.test(where.protocol)) throw new DeliveryFailed('the URL is none of https or http', true);
  const address = await dialled(where, options.egress);
  const text = JSON.stringify(body);
  const status = await exchange(where, { address, text, headers, options });
  if (status >= 200 && status < 300) return;
  throw new DeliveryFailed(`${where.host} answered with ${status}`, !HOPELESS.includes(status));
}

async function dialled(where: URL, egress: Egress): Promise<string> {
  try {
    const { address, isAllowed } = await egress.target(where.hostname);
    if (where.protocol === 'http:' && !isAllowed)
      throw new EgressRefused(`${where.hostname} is not among alerts.allowedHosts: write https://`);
    return address;
  } catch (error) {
    if (error instanceof EgressRefused) throw new DeliveryFailed(error.message, true);
    throw error;
  }
}

interface Exchange {
  readonly address: string;
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly options: PostOptions;
}

function exchange(where: URL, { address, text, headers, options }: Exchange): Promise<number> {
  const { ca, timeoutMs = TIMEOUT_MS, signal } = options;
  const isTls = where.protocol === 'https:';
  const timeout = AbortSignal.timeout(timeoutMs);
  const name = where.hostname.replace(/^\[(.*)\]$/, '$1');
  const common = {
    host: address,
    port: where.port === '' ? (isTls ? 443 : 80) : Number(where.port),
    path: where.pathname + where.search,
    method: 'POST',
    agent: false as const,
    signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    headers: {
      ...headers,
      host: where.host,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
      'user-agent': 'heddle-alerts',
    },
  };
  const tls = {
    ...(ca ? { ca: [...ca] } : {}),
    minVersion: 'TLSv1.2',
    ...(isIP(name) === 0 ? { servername: name } : {}),
  } as const;
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => reject(new DeliveryFailed(`${where.host} ${wordsOf(error, timeout)}`, true));
    const sent = isTls ? tlsRequest({ ...common, ...tls }) : plainRequest(common);
    sent.on('error', fail);
    sent.on('response', (response) => {
      let size = 0;
      response.on('error', fail);
      response.on('data', (part: Buffer) => {
        size += part.length;
        if (size > MOST_ANSWERED) response.destroy();
      });
      response.on('close', () => resolve(response.statusCode ?? 0));
    });
    sent.end(text);
  });
}

/** Why a connection failed, by its code: never in the words of who answered. */
function wordsOf(error: unknown, timeout: AbortSignal): string {
  if (timeout.aborted) return 'did not answer in time';
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ABORT_ERR') return 'was not told: the control plane stops';
  if (/^(CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|ERR_TLS)/.test(code))
    return `has a certificate that is not trusted (${code})`;
  return code === '' ? 'cannot be reached' : `cannot be reached (${code})`;
}
