import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ProxyClaims } from '#libs/identity';
import type { Actor } from '#libs/store';
import type { ApiPrincipal } from './auth.ports.js';

/** Who asks, as the guard found out. */
export type Principal =
  | ({ readonly type: 'api' } & ApiPrincipal)
  | { readonly type: 'proxy'; readonly claims: ProxyClaims; readonly token: string };

/** The parts of Express's request that REST uses. */
export interface HttpRequest extends IncomingMessage {
  /** Ours, for the log: never taken from the request. */
  requestId: string;
  principal?: Principal;
  body?: unknown;
  params: Record<string, string>;
  /** The route that serves it, once it is known. */
  readonly route?: { readonly path: string };
  readonly query: Record<string, unknown>;
}

export type HttpResponse = ServerResponse<HttpRequest>;

/** Address of the peer. `X-Forwarded-For` is never believed (SEC-45). */
export const peerOf = (request: IncomingMessage): string => request.socket.remoteAddress ?? 'unknown';

/** The author of a write, for the audit. */
export function actorOf(request: HttpRequest): Actor {
  const { principal } = request;
  const ip = peerOf(request);
  if (principal?.type === 'api') {
    // Whoever reads the audit must be able to tell a user from a token that somebody gave his name.
    const role = principal.subject === 'User' ? 'user' : principal.role;
    return { name: principal.name, role, ip, requestId: request.requestId };
  }
  const name = principal === undefined ? 'nobody' : `proxy ${principal.claims.namespace}/${principal.claims.workload}`;
  return { name, role: 'proxy', ip, requestId: request.requestId };
}

/** Text of a bearer token; undefined when there is none. */
export function bearerToken(request: IncomingMessage): string | undefined {
  const match = /^Bearer ([\x21-\x7e]{1,8192})$/i.exec(request.headers.authorization ?? '');
  return match?.[1];
}
