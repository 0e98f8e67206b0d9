import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import { z } from 'zod';
import { ProblemError, type SessionPort } from '#libs/api';
import type { Clock } from '#libs/kernel';
import { Seal } from './seal.js';

/** A session ends so long after its login, whatever happens. Milliseconds. */
export const SESSION_MS = 8 * 3_600_000;
/** A link that logs in is good for so long, and once. Milliseconds. */
export const LINK_MS = 60_000;
/** Sessions that were logged out, and links that were used; the oldest go first. */
const REMEMBERED = 10_000;

const sealedSchema = z.strictObject({ id: z.string(), token: z.string(), until: z.number() });

/** What is in a cookie, or in a link. */
export type Session = z.output<typeof sealedSchema>;

const SAFE = new Set(['GET', 'HEAD']);

/**
 * Sessions of browsers. The cookie is the session: the API token and when it ends, sealed with a key that all replicas
 * have, so that any of them can answer and a restart logs nobody out. Every request asks for the token's rights anew.
 */
export class Sessions implements SessionPort {
  readonly #cookies: Seal;
  readonly #links: Seal;
  /** Until when each is remembered, by the ids of those that count no more. In this process: other replicas do not know. */
  readonly #over = new Map<string, number>();

  constructor(
    kek: Uint8Array,
    private readonly clock: Clock,
  ) {
    this.#cookies = new Seal(kek, 'session');
    this.#links = new Seal(kek, 'link');
  }

  /** @returns the value of `Set-Cookie`, and the text that writes have to carry */
  open(request: IncomingMessage, token: string): { readonly cookie: string; readonly csrf: string } {
    const session = { id: randomBytes(16).toString('base64url'), token, until: this.clock.now() + SESSION_MS };
    return {
      cookie: cookieOf(request, this.#cookies.close(JSON.stringify(session))),
      csrf: this.csrfOf(session),
    };
  }

  /** @returns the value of `Set-Cookie` that takes it away */
  close(request: IncomingMessage): string {
    const session = this.of(request);
    if (session) this.#end(session);
    return `${cookieOf(request, '')}; Max-Age=0`;
  }

  /** A text that logs in once, within a minute, instead of the token. */
  link(token: string): string {
    const link = { id: randomBytes(16).toString('base64url'), token, until: this.clock.now() + LINK_MS };
    return this.#links.close(JSON.stringify(link));
  }

  /** The token behind a link; undefined when it is not one, was used, or is too old. */
  follow(text: string): string | undefined {
    const link = this.#opened(this.#links, text);
    if (link) this.#end(link);
    return link?.token;
  }

  /** The session of a request, wherever the request comes from. */
  of(request: IncomingMessage): Session | undefined {
    const value = cookieIn(request);
    return value === undefined ? undefined : this.#opened(this.#cookies, value);
  }

  /** Goes with every write, in a header that no form and no page from elsewhere can send (SEC-36). */
  csrfOf({ id }: Pick<Session, 'id'>): string {
    return this.#cookies.mark(id);
  }

  tokenOf(request: IncomingMessage): string | undefined {
    const session = this.of(request);
    if (session === undefined) return undefined;
    requireOwnPage(request);
    if (!SAFE.has(request.method ?? '') && !isSame(request.headers['x-heddle-csrf'], this.csrfOf(session)))
      throw foreign('the request lacks the mark of its page: load the page again');
    return session.token;
  }

  #opened(seal: Seal, text: string): Session | undefined {
    const opened = seal.open(text);
    if (opened === undefined) return undefined;
    const session = sealedSchema.parse(JSON.parse(opened));
    return session.until > this.clock.now() && !this.#over.has(session.id) ? session : undefined;
  }

  #end({ id, until }: Session): void {
    const now = this.clock.now();
    for (const [known, end] of this.#over) if (end <= now || this.#over.size >= REMEMBERED) this.#over.delete(known);
    this.#over.set(id, until);
  }
}

/** Of another site, or of another port of this host, nothing is taken; browsers that say nothing are judged by Origin. */
export function requireOwnPage(request: IncomingMessage): void {
  const { origin, host, 'sec-fetch-site': site } = request.headers;
  if (site !== undefined && site !== 'same-origin' && site !== 'none')
    throw foreign('the request comes from a page of another origin');
  if (origin !== undefined && origin !== `${isTls(request) ? 'https' : 'http'}://${host}`)
    throw foreign('the request comes from a page of another origin');
}

const foreign = (detail: string): ProblemError => new ProblemError(403, 'cross-site', detail);

const isTls = (request: IncomingMessage): boolean => request.socket instanceof TLSSocket;

/** `__Host-`: no other host, and nobody without TLS, can have set it. Browsers take that name with TLS only. */
const nameOf = (request: IncomingMessage): string => (isTls(request) ? '__Host-heddle' : 'heddle');

const cookieOf = (request: IncomingMessage, value: string): string =>
  `${nameOf(request)}=${value}; Path=/; HttpOnly; SameSite=Strict${isTls(request) ? '; Secure' : ''}`;

/** Undefined when there is none, or several: somebody else has set one of them. */
function cookieIn(request: IncomingMessage): string | undefined {
  const start = `${nameOf(request)}=`;
  const found = (request.headers.cookie ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(start));
  return found.length === 1 ? found[0]?.slice(start.length) : undefined;
}

function isSame(given: string | string[] | undefined, wanted: string): boolean {
  const [a, b] = [Buffer.from(String(given)), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}
