import { beforeEach, describe, expect, it } from 'vitest';
import { type Log, silentLog, silentMetrics } from '#libs/kernel';
import { DAY_MS, ManualClock, MemoryStore, START } from './fixture.js';
import { createMeshIdentity, type MeshIdentity } from './identity.js';
import { kek, orders } from './secret-fixture.js';

let machine: ManualClock;
let store: MemoryStore;
let identity: MeshIdentity;
/** What the database's clock shows beyond the machine's, as it was before it jumped. */
let passed: number;
let errors: unknown[];

beforeEach(async () => {
  machine = new ManualClock();
  store = new MemoryStore();
  passed = 0;
  store.now = () => START + machine.monotonic() - START + passed;
  errors = [];
  const log: Log = { ...silentLog, error: (_message, fields) => void errors.push(fields) };
  identity = createMeshIdentity({
    ...{ authorities: store.authorities, tokens: store.tokens, kek, dataDirectory: '/nowhere' },
    ...{ clock: machine, log, metrics: silentMetrics },
  });
  await identity.start(['default']);
});

const request = { ...orders, instance: orders.instance, labels: {}, addresses: [], ttlMs: 600_000 };
const leaf = (held?: string) => identity.secrets.resolve(orders, 'identity', held);
const token = async (): Promise<string> => {
  const issued = await identity.proxyTokens.issue(request);
  if (!issued.ok) throw new Error(String(issued.error));
  return issued.value.token;
};
const isGood = async (text: string): Promise<boolean> => (await identity.proxyTokens.verify(text)).ok;

describe("a machine's clock that jumps", () => {
  it('REL-27 30 days ahead: nothing is renewed, no token expires, nothing is issued, and people are told', async () => {
    const [held, proxy] = [await leaf(), await token()];
    const version = held.kind === 'send' ? held.version : '';
    machine.jump(30 * DAY_MS);
    expect(await leaf(version)).toEqual({ kind: 'keep' });
    expect(await isGood(proxy)).toBe(true);
    await expect(leaf()).rejects.toMatchObject({ reason: 'clock-skew' });
    await machine.advance(30_000);
    await machine.advance(30_000);
    expect(errors).toEqual([{ secondsAhead: (30 * DAY_MS) / 1000 }]);
    machine.jump(-30 * DAY_MS);
    expect((await leaf()).kind).toBe('send');
  });

  it('REL-28 a day back: no expired token lives again, and no certificate begins in the future', async () => {
    const proxy = await token();
    await machine.advance(601_000);
    expect(await isGood(proxy)).toBe(false);
    machine.jump(-DAY_MS);
    expect(await isGood(proxy)).toBe(false);
    await expect(leaf()).rejects.toMatchObject({ reason: 'clock-skew' });
  });

  it('REL-27 is noticed at once, also while the database is away', async () => {
    store.away = true;
    await machine.advance(600_000);
    expect(identity.clock.skewMs()).toBe(0);
    machine.jump(61_000);
    expect(identity.clock.skewMs()).toBe(61_000);
    await expect(leaf()).rejects.toMatchObject({ reason: 'clock-skew' });
  });

  it('some seconds are no reason to stop: issued is by the clock of the database', async () => {
    machine.jump(-20_000);
    const answer = await leaf();
    expect([answer.kind, identity.clock.now()]).toEqual(['send', store.now()]);
  });

  it('REL-30 follows the database when that is set right', async () => {
    passed = 3000;
    await machine.advance(30_000);
    expect(identity.clock.skewMs()).toBe(-3000);
    expect(errors).toEqual([]);
  });
});
