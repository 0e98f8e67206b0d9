import { describe, expect, it } from 'vitest';
import type { Clock } from '#libs/kernel';
import { renewalTime, TokenRenewal } from './token-renewal.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** A clock that is moved by hand; timers run in order, promises settle between them. */
class HandClock implements Clock {
  #now = 0;
  #timers: { at: number; task: () => void }[] = [];
  now = (): number => this.#now;
  monotonic = (): number => this.#now;
  after(ms: number, task: () => void): () => void {
    const timer = { at: this.#now + ms, task };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }
  every(): () => void {
    throw new Error('not used');
  }
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    for (;;) {
      const next = this.#timers.toSorted((a, b) => a.at - b.at)[0];
      if (!next || next.at > until) break;
      this.#timers = this.#timers.filter((other) => other !== next);
      this.#now = next.at;
      next.task();
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#now = until;
  }
}

const token = (iatMs: number, days: number): string => {
  const claims = { iat: iatMs / 1000, exp: (iatMs + days * DAY) / 1000 };
  return `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`;
};

/** A control plane that renews what is still valid, and counts. */
function fixture(days: number, available: () => boolean = () => true) {
  const clock = new HandClock();
  const stored: { token: string; at: number }[] = [];
  const events: string[] = [];
  const renewal = new TokenRenewal({
    clock,
    token: token(0, days),
    renew: async () => {
      if (!available()) throw new Error('nobody listens');
      return { token: token(clock.now(), days), expiresAt: new Date(clock.now() + days * DAY).toISOString() };
    },
    store: async (text) => {
      stored.push({ token: text, at: clock.now() });
    },
    onEvent: (line) => events.push(line),
  });
  renewal.start();
  return { clock, stored, events, renewal };
}

describe('the renewal of a token', () => {
  it('happens at half of its life, over eight days without a gap', async () => {
    const { clock, stored } = fixture(2);
    await clock.advance(8 * DAY);
    expect(stored.map(({ at }) => at / DAY)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('works for lives whose half no timer of the runtime can wait for', async () => {
    const { clock, stored } = fixture(90);
    await clock.advance(44 * DAY);
    expect(stored).toEqual([]);
    await clock.advance(2 * DAY);
    expect(stored).toHaveLength(1);
  });

  it('is tried again while the control plane is away, and each failure is told', async () => {
    let up = false;
    const { clock, stored, events } = fixture(7, () => up);
    await clock.advance(3.5 * DAY + 2 * HOUR);
    expect(stored).toEqual([]);
    expect(events[0]).toBe('token not renewed (attempt 1): nobody listens');
    expect(events.length).toBeGreaterThan(10);
    up = true;
    await clock.advance(10 * 60_000);
    expect(stored).toHaveLength(1);
    expect(events.at(-1)).toMatch(/^token renewed, valid until /);
  });

  it('ends when told to', async () => {
    const { clock, stored, renewal } = fixture(1);
    renewal.stop();
    await clock.advance(3 * DAY);
    expect(stored).toEqual([]);
  });

  it.each(['opaque', 'a.b.c', '', `x.${Buffer.from('{"exp":1}').toString('base64url')}.y`])(
    'leaves alone a token without a readable life: %j',
    (text) => {
      expect(renewalTime(text)).toBeUndefined();
    },
  );
});
