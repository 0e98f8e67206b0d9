import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { HandClock } from '../../../../../libs/testing/src/clock/index.js';
import { Seal } from '../session/seal.js';
import { ATTEMPT_MS, Attempts } from './attempts.js';

const KEY = new Uint8Array(32).fill(7);
const BEGUN = { state: 's', nonce: 'n', verifier: 'v', page: '/m/default/' };

function requestWith(cookie: string, tls = false): IncomingMessage {
  const request = new IncomingMessage(tls ? new TLSSocket(new Socket()) : new Socket());
  Object.assign(request, { method: 'GET', headers: { host: 'localhost:8190', cookie } });
  return request;
}

const pairOf = (cookie: string): string => cookie.split(';')[0] ?? '';

describe('an attempt to log in', () => {
  it('SEC-36 is set for TLS by a name that nobody else can set', () => {
    const attempts = new Attempts(KEY, new HandClock());
    const cookie = attempts.begin(requestWith('', true), BEGUN);
    expect(cookie).toMatch(/^__Host-heddle-login=[-\w]+; Path=\/; HttpOnly; SameSite=Lax; Secure; Max-Age=600$/);
    // Without TLS it is another: who can set that one cannot set this one.
    expect(attempts.take(requestWith(pairOf(cookie).replace('__Host-', ''), true), 's')).toBeUndefined();
    expect(attempts.take(requestWith(pairOf(cookie), true), 's')).toMatchObject(BEGUN);
  });

  it('is good for ten minutes, once, for its state, on every replica that has the key', async () => {
    const clock = new HandClock();
    const [here, there] = [new Attempts(KEY, clock), new Attempts(KEY, clock)];
    const foreign = new Attempts(new Uint8Array(32), clock);
    const request = requestWith(pairOf(here.begin(requestWith(''), BEGUN)));
    await clock.advance(ATTEMPT_MS - 1);
    expect([foreign.take(request, 's'), here.take(request, 'other'), here.take(request, undefined)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect([here.take(request, 's'), here.take(request, 's'), there.take(request, 's')]).toEqual([
      expect.objectContaining(BEGUN),
      undefined,
      expect.objectContaining(BEGUN),
    ]);
    const late = requestWith(pairOf(here.begin(requestWith(''), BEGUN)));
    await clock.advance(ATTEMPT_MS);
    expect(here.take(late, 's')).toBeUndefined();
  });

  it('SEC-36 is nothing else that was sealed with the key', () => {
    const attempts = new Attempts(KEY, new HandClock());
    const sealed = new Seal(KEY, 'session').close(JSON.stringify({ ...BEGUN, id: 'i', until: 1e15 }));
    expect(attempts.take(requestWith(`heddle-login=${sealed}`), 's')).toBeUndefined();
  });
});
