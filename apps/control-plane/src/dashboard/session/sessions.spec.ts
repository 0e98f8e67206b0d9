import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { HandClock } from '../../../../../libs/testing/src/clock/index.js';
import { Seal } from './seal.js';
import { LINK_MS, SESSION_MS, Sessions } from './sessions.js';

const KEY = new Uint8Array(32).fill(7);
const TOKEN = 'hdl_0123456789abcdef_secret';

function requestWith(headers: Readonly<Record<string, string>>, { method = 'GET', tls = false } = {}): IncomingMessage {
  const socket = tls ? new TLSSocket(new Socket()) : new Socket();
  const request = new IncomingMessage(socket);
  Object.assign(request, { method, headers: { host: 'localhost:8190', ...headers } });
  return request;
}

/** What a browser sends back. */
const pairOf = (cookie: string): string => cookie.split(';')[0] ?? '';

function tokenIn(sessions: Sessions | undefined, request: IncomingMessage): string | undefined {
  const holder = sessions?.holderOf(request);
  return holder?.type === 'token' ? holder.token : undefined;
}

describe('Sessions', () => {
  it('are good for eight hours, on every replica that has the key, and on no other', async () => {
    const clock = new HandClock();
    const [here, there, foreign] = [KEY, KEY, new Uint8Array(32)].map((key) => new Sessions(key, clock));
    const cookie = pairOf(here?.open(requestWith({}), TOKEN).cookie ?? '');
    const tokens = () => [here, there, foreign].map((sessions) => tokenIn(sessions, requestWith({ cookie })));
    expect(tokens()).toEqual([TOKEN, TOKEN, undefined]);
    await clock.advance(SESSION_MS - 1);
    expect(tokens()).toEqual([TOKEN, TOKEN, undefined]);
    await clock.advance(1);
    expect(tokens()).toEqual([undefined, undefined, undefined]);
  });

  it('SEC-36 are set for TLS by a name that nobody else can set', () => {
    const { cookie } = new Sessions(KEY, new HandClock()).open(requestWith({}, { tls: true }), TOKEN);
    expect(cookie).toMatch(/^__Host-heddle=[-\w]+; Path=\/; HttpOnly; SameSite=Strict; Secure$/);
  });

  it.each([
    ['the mark of another session', { 'x-heddle-csrf': 'other' }],
    ['no mark', {}],
    ['another origin', { origin: 'http://localhost:3000' }],
    ['an origin with TLS, where there is none', { origin: 'https://localhost:8190' }],
    ['a page of the same site', { 'sec-fetch-site': 'same-site' }],
  ])('SEC-36 refuse a write with %s', (_, headers) => {
    const sessions = new Sessions(KEY, new HandClock());
    const { cookie, csrf } = sessions.open(requestWith({}), TOKEN);
    const request = requestWith({ cookie: pairOf(cookie), 'x-heddle-csrf': csrf, ...headers }, { method: 'POST' });
    if (Object.keys(headers).length === 0) delete request.headers['x-heddle-csrf'];
    expect(() => sessions.holderOf(request)).toThrow(/another origin|lacks the mark/);
  });

  it('follow a link once, within a minute', async () => {
    const clock = new HandClock();
    const sessions = new Sessions(KEY, clock);
    const [first, second] = [sessions.link(TOKEN), sessions.link(TOKEN)];
    expect([sessions.follow(first), sessions.follow(first)]).toEqual([TOKEN, undefined]);
    await clock.advance(LINK_MS);
    expect(sessions.follow(second)).toBeUndefined();
  });

  it('take no link for a session, and no session for a link', () => {
    const sessions = new Sessions(KEY, new HandClock());
    const cookie = pairOf(sessions.open(requestWith({}), TOKEN).cookie);
    expect(sessions.follow(cookie.slice('heddle='.length))).toBeUndefined();
    expect(sessions.holderOf(requestWith({ cookie: `heddle=${sessions.link(TOKEN)}` }))).toBeUndefined();
  });
});

describe('sessions of users', () => {
  const user = { provider: 'p', sub: 'hash', name: 'ann@example.com', groups: ['theirs'] };
  const rules = { provider: 'p', groups: new Map([['theirs', ['ours']]]) };

  it('last as long as they were made for, and hold the user as the configuration has him now', async () => {
    const clock = new HandClock();
    const sessions = new Sessions(KEY, clock, rules);
    const cookie = pairOf(sessions.openFor(requestWith({}), user, 60_000).cookie);
    expect(sessions.holderOf(requestWith({ cookie }))).toMatchObject({
      type: 'user',
      principal: { subject: 'User', name: 'ann@example.com', role: 'none', groups: ['ours'], meshes: [] },
    });
    const without = new Sessions(KEY, clock);
    const other = new Sessions(KEY, clock, { ...rules, provider: 'q' });
    expect([without, other].map((one) => one.of(requestWith({ cookie })))).toEqual([undefined, undefined]);
    await clock.advance(60_000);
    expect(sessions.of(requestWith({ cookie }))).toBeUndefined();
  });

  it('SEC-36 write only with the mark of their page', () => {
    const sessions = new Sessions(KEY, new HandClock(), rules);
    const { cookie, csrf } = sessions.openFor(requestWith({}), user, 60_000);
    const post = (mark: string) =>
      sessions.holderOf(requestWith({ cookie: pairOf(cookie), 'x-heddle-csrf': mark }, { method: 'POST' }));
    expect(post(csrf)?.type).toBe('user');
    expect(() => post('other')).toThrow(/lacks the mark/);
  });

  it('are new ones, whatever the browser had before', () => {
    const sessions = new Sessions(KEY, new HandClock(), rules);
    const before = pairOf(sessions.openFor(requestWith({}), user, 60_000).cookie);
    const after = pairOf(sessions.openFor(requestWith({ cookie: before }), user, 60_000).cookie);
    const ids = [before, after].map((cookie) => sessions.of(requestWith({ cookie }))?.id);
    expect(new Set(ids).size).toBe(2);
  });
});

describe('Seal', () => {
  it('opens nothing that was changed in any place', () => {
    const seal = new Seal(KEY, 'test');
    const sealed = seal.close('text');
    expect(seal.open(sealed)).toBe('text');
    for (let i = 0; i < sealed.length; i += 1) {
      const other = sealed[i] === 'A' ? 'B' : 'A';
      const changed = Buffer.from(`${sealed.slice(0, i)}${other}${sealed.slice(i + 1)}`, 'base64url');
      // The last character may stand for bits that are not used.
      if (changed.equals(Buffer.from(sealed, 'base64url'))) continue;
      expect(seal.open(changed.toString('base64url'))).toBeUndefined();
    }
  });
});
