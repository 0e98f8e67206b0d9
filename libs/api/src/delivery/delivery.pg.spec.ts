import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LocalDelivery } from '#libs/changes';
import { openStore, type ReplicaProgress, type Store } from '#libs/store';
import { createTestDatabase, type TestDatabase } from '../../../testing/src/postgres/index.js';
import { EventStream, request } from '../../testing/event-stream.js';
import { aBinding, aService, Caller, given } from '../../testing/mesh-of-teams.js';
import { type ServedApi, serveApi } from '../../testing/served-api.js';
import type { ChangeAspect } from './aspect.js';
import { STREAMS_OF_ONE } from './open-streams.js';

type Counts = Omit<ReplicaProgress, 'replica'>;
const NOBODY: Counts = { total: 0, acked: 0, refusing: 0, elapsedMs: 0, refused: [], behind: [] };
const REFUSAL = { proxy: 'default/bank/vault/vault-1', type: 'LDS', name: 'inbound/80', message: 'no such filter' };

/** What the replica that is asked counts. */
class Here implements LocalDelivery {
  readonly replica = 'here';
  counts: Counts = NOBODY;
  readonly #listeners = new Set<(mesh: string) => void>();

  of(): Counts {
    return this.counts;
  }

  onProgress(listener: (mesh: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  say(counts: Partial<Counts>): void {
    this.counts = { ...NOBODY, ...counts };
    for (const listener of this.#listeners) listener('default');
  }
}

/** Stages of changes of another sort, as a provider tells them. */
class Stages implements ChangeAspect {
  readonly name = 'staged';
  stage = 'canary';
  readonly #listeners = new Set<() => void>();

  read(_: string, change: string) {
    const value = { stage: this.stage };
    return Promise.resolve(change === 's-1' ? { value, isFinal: this.stage === 'promoted' } : undefined);
  }

  watch(_mesh: string, _change: string, listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  go(stage: string): void {
    this.stage = stage;
    for (const listener of this.#listeners) listener();
  }
}

let database: TestDatabase;
let api: ServedApi;
let other: Store;
let admin: Caller;
const here = new Here();
const stages = new Stages();

beforeAll(async () => {
  database = await createTestDatabase();
  api = await serveApi(database.url, { delivery: here, aspects: [stages] });
  other = await openStore({ url: database.url, replica: 'there', delivers: true, pool: 2 });
  admin = new Caller(api, await api.token('admin'));
});
afterAll(async () => {
  await other?.close();
  await api?.stop();
  await database?.drop();
});

/** Replica `there` reports. */
const there = (change: string, counts: Partial<Counts>): Promise<void> =>
  other.progress.save([{ mesh: 'default', change: Number(change.slice(2)), replica: 'there', ...NOBODY, ...counts }]);

async function changed(...services: readonly string[]): Promise<string> {
  here.say({});
  const { body } = await admin.call('POST', 'apply', {
    body: { manifests: services.map((at) => aService(at, { at: `${performance.now()}` })), message: 'as agreed' },
  });
  return body.change;
}

const page = async (change: string, caller = admin) => (await caller.call('GET', `changes/${change}`)).body;
const isDone = ({ event }: { event: string }): boolean => event === 'done';

describe('the page of a change', () => {
  it('says who, when, why, what, field by field, and how far it has come at all replicas', async () => {
    await changed('shop/web');
    const change = await changed('shop/web', 'shop/new');
    await expect.poll(async () => (await page(change)).delivery.replicas.length).toBe(2);
    here.say({ total: 2, acked: 1, behind: [{ proxy: 'default/shop/web/web-2', sinceMs: 5 }] });
    expect(await page(change)).toMatchObject({
      change,
      ...{ actor: 'test-admin', message: 'as agreed', at: expect.stringMatching(/^20.*Z$/) },
      items: [
        { op: 'create', kind: 'Service', namespace: 'shop', name: 'new', manifest: { kind: 'Service' } },
        { op: 'update', name: 'web', fields: [{ path: 'metadata.labels.at', op: 'change' }] },
      ],
      delivery: {
        ...{ state: 'Delivering', total: 2, acked: 1, refusing: 0 },
        behind: [{ proxy: 'default/shop/web/web-2' }],
        replicas: [
          { replica: 'here', pending: false },
          { replica: 'there', pending: true, stale: false },
        ],
      },
    });
    await there(change, { total: 118, acked: 117, refusing: 1, refused: [REFUSAL] });
    here.say({ total: 2, acked: 2, elapsedMs: 0.4 });
    expect((await page(change)).delivery).toMatchObject({
      ...{ state: 'Refused', total: 120, acked: 119, refusing: 1, refused: [REFUSAL], elapsedMs: 0.4 },
    });
    const { body } = await admin.call('GET', 'history?limit=1&delivery=true');
    expect(body.items[0].delivery).toEqual({ state: 'Refused', total: 120, acked: 119, refused: 1 });
  });

  it('shows what the caller may read of it, and of a change of others only how many have it', async () => {
    const ann = await Caller.of(api, 'ann');
    await given(admin, aBinding('ann', 'viewer', 'token ann', { namespaces: ['shop'] }));
    const change = await changed('shop/web', 'bank/vault', 'bank/till');
    await there(change, {
      total: 2,
      refusing: 1,
      refused: [REFUSAL],
      behind: [{ proxy: 'default/shop/web/w', sinceMs: 1 }],
    });
    const his = await page(change, ann);
    expect(his).toMatchObject({ message: 'as agreed', hidden: 2, items: [{ namespace: 'shop', name: 'web' }] });
    expect(his.delivery).toMatchObject({ total: 2, refused: [], hidden: 1, behind: [{ proxy: 'default/shop/web/w' }] });
    const others = await page(await changed('bank/vault'), ann);
    expect(others).toMatchObject({ items: [], hidden: 1 });
    expect(Object.keys(others)).not.toEqual(expect.arrayContaining(['message', 'actor', 'at']));
  });

  it.each(['c-0', 'c-999999', 's-2', 'x', 'c-1e3', 'c-01'])('SEC-38: there is none of %s', async (change) => {
    expect((await admin.call('GET', `changes/${change}`)).status).toBe(404);
    expect((await request(api, admin.token, `changes/${change}/events`)).status).toBe(404);
  });

  it('has what else is known of a change, and exists for those that only that knows', async () => {
    expect(await page('s-1')).toEqual({ change: 's-1', items: [], staged: { stage: 'canary' } });
  });
});

describe('the events of a change', () => {
  it('tell its state at once, as it moves here and there, and end when all have answered', async () => {
    const change = await changed('shop/web');
    const events = await EventStream.open(api, admin.token, `changes/${change}/events`);
    await events.until(({ data }) => data.delivery.state === 'Delivering');
    here.say({ total: 2, acked: 1 });
    await events.until(({ data }) => data.delivery.total === 2);
    await there(change, { total: 1, refusing: 1, refused: [REFUSAL] });
    await events.until(({ data }) => data.delivery.total === 3);
    here.say({ total: 2, acked: 2 });
    const { data } = await events.until(isDone);
    expect(data).toMatchObject({ change, delivery: { state: 'Refused', acked: 2, total: 3, refused: [REFUSAL] } });
    await events.ended;
    expect(events.events.at(-1)?.event).toBe('done');
  });

  it('do not repeat what the client has: who comes back goes on where he was', async () => {
    const change = await changed('shop/web');
    here.say({ total: 2, acked: 1 });
    const first = await EventStream.open(api, admin.token, `changes/${change}/events`);
    const { id } = await first.until(({ data }) => data.delivery.total === 2);
    first.leave();
    const second = await EventStream.open(api, admin.token, `changes/${change}/events`, id);
    here.say({ total: 2, acked: 2 });
    await there(change, {});
    await second.until(isDone);
    expect(second.events[0]?.id).not.toBe(id);
    const over = await EventStream.open(api, admin.token, `changes/${change}/events`, second.events.at(-1)?.id);
    await over.ended;
    expect(over.events.map(({ event }) => event)).toEqual(['done']);
  });

  it('tell what else is known of it, and go on until that is over, too', async () => {
    const events = await EventStream.open(api, admin.token, 'changes/s-1/events');
    await events.until(({ data }) => data.staged.stage === 'canary');
    stages.go('half');
    await events.until(({ data }) => data.staged.stage === 'half');
    stages.go('promoted');
    expect((await events.until(isDone)).data).toEqual({ change: 's-1', staged: { stage: 'promoted' } });
    await events.ended;
  });

  it('cost nothing any more when the client has left', async () => {
    const change = await changed('shop/web');
    const streams = await Promise.all([1, 2].map(() => EventStream.open(api, admin.token, `changes/${change}/events`)));
    await Promise.all(streams.map((events) => events.until(() => true)));
    expect(api.deps.deliveries.watched).toBe(1);
    here.say({ total: 1, acked: 0 });
    for (const events of streams) events.leave();
    here.say({ total: 1, acked: 1 });
    await there(change, {});
    await expect.poll(() => api.deps.deliveries.watched).toBe(0);
  });

  it('SEC-34: end with `forbidden` when the right to read is taken away, and show what may be read meanwhile', async () => {
    const bob = await Caller.of(api, 'bob');
    await given(admin, aBinding('bob', 'viewer', 'token bob', { namespaces: ['shop'] }));
    const change = await changed('shop/web', 'bank/vault');
    await there(change, { total: 2, refusing: 1, refused: [REFUSAL] });
    const events = await EventStream.open(api, bob.token, `changes/${change}/events`);
    const { data } = await events.until(({ data: { delivery } }) => delivery.total === 2);
    expect(data.delivery).toMatchObject({ refusing: 1, refused: [], hidden: 1 });
    await admin.call('DELETE', 'rolebindings/bob');
    expect((await events.until(({ event }) => event === 'forbidden')).data.status).toBe(404);
    await events.ended;
  });

  it('SEC-8: are refused with 429 beyond so many of one token; those of others are not', async () => {
    const change = await changed('shop/web');
    const path = `changes/${change}/events`;
    const token = await api.token('viewer', { name: 'many' });
    const open = await Promise.all(Array.from({ length: STREAMS_OF_ONE }, () => EventStream.open(api, token, path)));
    const refused = await request(api, token, path);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '5']);
    expect(await refused.json()).toMatchObject({ type: 'urn:heddle:problem:too-many-streams' });
    (await EventStream.open(api, admin.token, path)).leave();
    await there(change, {});
    await Promise.all(open.map(({ ended }) => ended));
    await (await EventStream.open(api, token, path)).ended;
  });
});

describe('the events of a mesh', () => {
  it('are each change that is made and each move of its delivery, as far as the caller may read', async () => {
    const cat = await Caller.of(api, 'cat');
    await given(admin, aBinding('cat', 'viewer', 'token cat', { namespaces: ['shop'] }));
    const events = await EventStream.open(api, cat.token, 'events');
    await events.until(() => true); // those before are under way, since `there` has not come to the last one
    await changed('bank/vault');
    const change = await changed('shop/web', 'bank/vault');
    const told = await events.until(({ data }) => data.change === change);
    expect(told).toMatchObject({ event: 'change', id: change });
    expect(told.data).toMatchObject({
      ...{ message: 'as agreed', hidden: 1, delivery: { state: 'Delivering' } },
      items: [{ op: 'updated', kind: 'Service', namespace: 'shop', name: 'web' }],
    });
    await there(change, { total: 3, acked: 3 });
    await events.until(({ data }) => data.change === change && data.delivery.state === 'Delivered');
    expect(events.events.every(({ data }) => data.items.length > 0)).toBe(true);
    events.leave();
    const next = await changed('shop/web');
    const again = await EventStream.open(api, cat.token, 'events', change);
    await again.until(({ data }) => data.change === next);
    again.leave();
  });
});
