import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { ProblemError, type SessionHolder, type SessionPort } from '#libs/api';
import type { Clock } from '#libs/kernel';
import { cookieIn, cookieOf, isTls } from './cookie.js';
import { Seal } from './seal.js';
import { UsedOnce } from './used-once.js';
import { principalOf, type User, type UserRules, userSchema } from './user.js';

/** A session ends so long after its login, whatever happens. Milliseconds. */
export const SESSION_MS = 8 * 3_600_000;
/** A link that logs in is good for so long, and once. Milliseconds. */
export const LINK_MS = 60_000;

const NAME = 'heddle';
const frame = { id: z.string(), until: z.number() };
const tokenSchema = z.strictObject({ ...frame, token: z.string() });
const sealedSchema = z.union([tokenSchema, z.strictObject({ ...frame, user: userSchema })]);

/** What is in a cookie. */
export type Session = z.output<typeof sealedSchema>;

const SAFE = new Set(['GET', 'HEAD']);

/**
 * Sessions of browsers. The cookie is the session: an API token, or whom an identity provider has named, and when it
 * ends, sealed with a key that all replicas have, so that any of them can answer and a restart logs nobody out. Every
 * request asks anew for the rights that it gives.
 */
export class Sessions implements SessionPort {
  readonly #cookies: Seal;
  readonly #links: Seal;
  readonly #over: UsedOnce;

  /** @param users undefined = nobody is named by an identity provider */
  constructor(
    kek: Uint8Array,
    private readonly clock: Clock,
    private readonly users?: UserRules,
  ) {
    this.#cookies = new Seal(kek, 'session');
    this.#links = new Seal(kek, 'link');
    this.#over = new UsedOnce(clock);
  }

  /** @returns the value of `Set-Cookie`, and the text that writes have to carry */
  open(request: IncomingMessage, token: string): { readonly cookie: string; readonly csrf: string } {
    return this.#begin(request, { ...this.#frame(SESSION_MS), token });
  }

  /** The same for who has no token. Its id is new, whatever the browser had before. @param lifeMs milliseconds */
  openFor(request: IncomingMessage, user: User, lifeMs: number): { readonly cookie: string; readonly csrf: string } {
    return this.#begin(request, { ...this.#frame(lifeMs), user });
  }

  /** @returns the value of `Set-Cookie` that takes it away */
  close(request: IncomingMessage): string {
    const session = this.of(request);
    if (session) this.#over.add(session);
    return cookieOf(request, { name: NAME, value: '', sameSite: 'Strict' });
  }

  /** A text that logs in once, within a minute, instead of the token. */
  link(token: string): string {
    return this.#links.close(JSON.stringify({ ...this.#frame(LINK_MS), token }));
  }

  /** The token behind a link; undefined when it is not one, was used, or is too old. */
  follow(text: string): string | undefined {
    const opened = this.#links.open(text);
    const link = opened === undefined ? undefined : this.#inForce(tokenSchema.parse(JSON.parse(opened)));
    if (link) this.#over.add(link);
    return link?.token;
  }

  /** The session of a request, wherever the request comes from. */
  of(request: IncomingMessage): Session | undefined {
    const value = cookieIn(request, NAME);
    const opened = value === undefined ? undefined : this.#cookies.open(value);
    // What another version of Heddle has sealed is no session here.
    const session = opened === undefined ? undefined : sealedSchema.safeParse(JSON.parse(opened)).data;
    return session && this.#inForce(session) && this.#holder(session) ? session : undefined;
  }

  /** Goes with every write, in a header that no form and no page from elsewhere can send (SEC-36). */
  csrfOf({ id }: Pick<Session, 'id'>): string {
    return this.#cookies.mark(id);
  }

  holderOf(request: IncomingMessage): SessionHolder | undefined {
    const session = this.of(request);
    if (session === undefined) return undefined;
    requireOwnPage(request);
    if (!SAFE.has(request.method ?? '') && !isSame(request.headers['x-heddle-csrf'], this.csrfOf(session)))
      throw foreign('the request lacks the mark of its page: load the page again');
    return this.#holder(session);
  }

  #holder(session: Session): SessionHolder | undefined {
    if ('token' in session) return { type: 'token', token: session.token };
    const principal = principalOf(session.user, session.until, this.users);
    return principal && { type: 'user', principal };
  }

  #frame = (lifeMs: number): Pick<Session, 'id' | 'until'> => ({
    id: randomBytes(16).toString('base64url'),
    until: this.clock.now() + lifeMs,
  });

  #begin(request: IncomingMessage, session: Session): { readonly cookie: string; readonly csrf: string } {
    const value = this.#cookies.close(JSON.stringify(session));
    return { cookie: cookieOf(request, { name: NAME, value, sameSite: 'Strict' }), csrf: this.csrfOf(session) };
  }

  #inForce<T extends Pick<Session, 'id' | 'until'>>(sealed: T): T | undefined {
    return sealed.until > this.clock.now() && !this.#over.has(sealed.id) ? sealed : undefined;
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

function isSame(given: string | string[] | undefined, wanted: string): boolean {
  const [a, b] = [Buffer.from(String(given)), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}
