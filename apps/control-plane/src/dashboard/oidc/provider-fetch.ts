import { type RequestOptions as HttpOptions, type IncomingMessage, request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { isSafeUrl } from './oidc.schema.js';

/** The whole of an exchange with the provider, milliseconds. */
const TIMEOUT_MS = 5_000;
const MOST_ANSWERED = 256 * 1024;
/** Of these an answer has no body. */
const EMPTY: readonly number[] = [204, 205, 304];

/** The provider did not answer: why, in words that show nothing of the answer. */
export class ProviderUnreachable extends Error {
  override readonly name = 'ProviderUnreachable';
}

export interface ProviderRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Asks the provider: https, or http on this machine; 5 s at most, 256 KB at most, no redirect is followed (SEC-41). Which
 * host it is, who runs the control plane has said: providers are often of the own network.
 * @param ca further authorities that are trusted, PEM
 */
export const providerFetch =
  (ca: readonly string[] | undefined) =>
  (url: string, { method, headers, body, signal }: ProviderRequest): Promise<Response> => {
    if (!isSafeUrl(url)) throw new ProviderUnreachable('it names an address that is not https');
    const timeout = AbortSignal.timeout(TIMEOUT_MS);
    const options: HttpOptions = {
      ...{ method, headers, agent: false },
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    };
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    const fail = (error: unknown): void => reject(new ProviderUnreachable(wordsOf(error, timeout), { cause: error }));
    const tls = { ...(ca ? { ca: [...ca] } : {}), minVersion: 'TLSv1.2' } as const;
    const sent = url.startsWith('https:') ? tlsRequest(url, { ...options, ...tls }) : plainRequest(url, options);
    sent.on('error', fail);
    sent.on('response', (answer) => {
      answer.on('error', fail);
      read(answer).then(resolve, reject);
    });
    sent.end(body instanceof URLSearchParams ? body.toString() : undefined);
    return promise;
  };

async function read(answer: IncomingMessage): Promise<Response> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of answer) {
    const bytes: Buffer = part;
    size += bytes.length;
    if (size > MOST_ANSWERED) throw new ProviderUnreachable('it answers with more than 256 KB');
    parts.push(bytes);
  }
  const { statusCode: status = 0, headers } = answer;
  if (status < 200 || status > 599) throw new ProviderUnreachable(`it answers with the status ${status}`);
  const kept = Object.entries(headers).flatMap(([name, value]): [string, string][] =>
    typeof value === 'string' ? [[name, value]] : [],
  );
  return new Response(EMPTY.includes(status) ? null : Buffer.concat(parts), { status, headers: kept });
}

/** By its code: never in the words of who answered. */
function wordsOf(error: unknown, timeout: AbortSignal): string {
  if (timeout.aborted) return `it does not answer within ${TIMEOUT_MS / 1000} s`;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (/^(CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|ERR_TLS)/.test(code))
    return `its certificate is not trusted (${code}): oidc.caFile says whom to trust`;
  return code === '' ? 'it cannot be reached' : `it cannot be reached (${code})`;
}
