import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { HttpRequest, HttpResponse } from './http.js';
import { sendProblem } from './problem.filter.js';
import { ProblemError } from './problem.js';

/** Headers of every answer: nothing of it is to be guessed, framed, stored or run (SEC-47). No CORS header, ever (SEC-35). */
const HEADERS: Readonly<Record<string, string>> = {
  'X-Content-Type-Options': 'nosniff',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
};

/** Host name of a Host header, without its port; undefined when there is none or it is malformed. */
function hostOf(request: IncomingMessage): string | undefined {
  const host = request.headers.host ?? '';
  return /^(\[[0-9a-fA-F:.]+\]|[^[\]:@/]+)(:\d{1,5})?$/.exec(host)?.[1]?.toLowerCase();
}

/**
 * What every request passes before it is routed. A web page that has its own name resolve to this server (DNS
 * rebinding) sends that name: only names we were told are served (SEC-35). An address in its place is no such name.
 */
export function frontDoor(allowedHosts: readonly string[]) {
  const allowed = new Set(['localhost', ...allowedHosts.map((host) => host.toLowerCase())]);
  const isAllowed = (host: string): boolean => allowed.has(host) || isIP(host.replace(/^\[|\]$/g, '')) !== 0;
  return (request: HttpRequest, response: HttpResponse, next: () => void): void => {
    request.requestId = randomUUID();
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    response.setHeader('X-Request-Id', request.requestId);
    const host = hostOf(request);
    if (host !== undefined && isAllowed(host)) {
      next();
      return;
    }
    const detail = 'this server does not answer to this Host: add the name to rest.allowedHosts';
    sendProblem(request, response, new ProblemError(421, 'host-not-allowed', detail));
  };
}
