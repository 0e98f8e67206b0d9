import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';

export const isTls = (request: IncomingMessage): boolean => request.socket instanceof TLSSocket;

/** `__Host-`: no other host, and nobody without TLS, can have set it. Browsers take that name with TLS only. */
const nameOf = (request: IncomingMessage, name: string): string => (isTls(request) ? `__Host-${name}` : name);

export interface Cookie {
  readonly name: string;
  /** '' takes it away. */
  readonly value: string;
  /** Lax: comes along when another site leads here, as an identity provider does. */
  readonly sameSite: 'Strict' | 'Lax';
  /** Default: until the browser is closed. */
  readonly maxAgeSeconds?: number;
}

/** The value of `Set-Cookie`: no script reads it. */
export function cookieOf(request: IncomingMessage, { name, value, sameSite, maxAgeSeconds }: Cookie): string {
  const age = value === '' ? 0 : maxAgeSeconds;
  return [
    `${nameOf(request, name)}=${value}`,
    'Path=/',
    'HttpOnly',
    `SameSite=${sameSite}`,
    ...(isTls(request) ? ['Secure'] : []),
    ...(age === undefined ? [] : [`Max-Age=${age}`]),
  ].join('; ');
}

/** Undefined when there is none, or several: somebody else has set one of them. */
export function cookieIn(request: IncomingMessage, name: string): string | undefined {
  const start = `${nameOf(request, name)}=`;
  const found = (request.headers.cookie ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(start));
  return found.length === 1 ? found[0]?.slice(start.length) : undefined;
}
