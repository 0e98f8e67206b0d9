import { describe, expect, it } from 'vitest';
import { silentLog, silentMetrics, systemClock } from '#libs/kernel';
import { DEFAULT_LIMITS } from '../limits.js';
import { Denied } from '../types.js';
import { Authentication } from './authentication.js';
import { Gate } from './gate/gate.js';

const work = { limits: DEFAULT_LIMITS, clock: systemClock, log: silentLog, metrics: silentMetrics };
const authentication = (authenticate: (headers: ReadonlyMap<string, string>) => string): Authentication =>
  new Authentication({
    ...work,
    gate: new Gate({ ...work, name: 'stream', places: 10 }),
    gatekeeper: {
      authenticate: async (headers) => ({ id: authenticate(headers), expiresAt: 1, claims: undefined }),
      admit: () => Promise.reject(new Error('not asked')),
    },
  });

describe('authentication', () => {
  it('SEC-3 several credentials in one call are none: not the first, not the last, not both', async () => {
    const asked: string[] = [];
    const judge = authentication((headers) => {
      asked.push(headers.get('authorization') ?? '');
      return 'somebody';
    });
    const headers = new Map([['authorization', ['Bearer alice', 'Bearer bob']]]);
    const { admitted } = judge.admit(headers, '127.0.0.1:1');
    await expect(admitted).rejects.toMatchObject({ status: 'UNAUTHENTICATED' });
    expect(asked).toEqual([]);
  });

  it('REL-20 a gatekeeper that fails costs the call, which may try again; its error is not told', async () => {
    const { admitted } = authentication(() => {
      throw new Error('secret words');
    }).admit(new Map(), '127.0.0.1:1');
    const error = await admitted.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Denied);
    expect(error).toMatchObject({ status: 'UNAVAILABLE', message: 'authentication is not available' });
  });

  it('REL-12 who goes away while he waits leaves no place taken', async () => {
    const gate = new Gate({ ...work, name: 'stream', places: 1 });
    const one = new Authentication({
      ...work,
      gate,
      gatekeeper: {
        authenticate: async () => ({ id: 'a', expiresAt: 1, claims: undefined }),
        admit: () => Promise.reject(new Error('not asked')),
      },
    });
    const first = one.admit(new Map(), '127.0.0.1:1');
    const { leave } = await first.admitted;
    const second = one.admit(new Map(), '127.0.0.1:2');
    second.cancel();
    expect(gate.waiting).toBe(0);
    leave();
    await one.admit(new Map(), '127.0.0.1:3').admitted;
  });
});
