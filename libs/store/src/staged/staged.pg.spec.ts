import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../testing/src/postgres/index.js';
import { openStore } from '../open-store.js';
import type { FeedEvent, StageRequest, Store, WriteItem } from '../ports.js';

let database: TestDatabase;
let store: Store;
const events: FeedEvent[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  store = await openStore({ url: database.url, replica: 'a', delivers: true });
  await store.feed.start((event) => void events.push(event));
});
afterAll(async () => {
  await store?.close();
  await database?.drop();
});

const actor = { name: 'ann', role: 'operator', ip: '', requestId: '' };
const put = (name: string, spec: Record<string, unknown>, kind = 'Service'): WriteItem => ({
  op: 'put',
  manifest: {
    ...{ apiVersion: 'heddle.dev/v1alpha1', kind, spec },
    metadata: { name, namespace: 'shop', labels: {}, annotations: {} },
  },
  hostnames: [`${name}.example.com`],
});
const write = (...items: WriteItem[]) => store.resources.write({ mesh: 'default', actor, message: '', items });
const request = (...items: WriteItem[]): StageRequest => ({
  ...{ mesh: 'default', actor, message: 'try it', items, members: ['shop/web-1'] },
  options: { waves: [5, 50], observeMs: 0, ackMs: 60_000, confirmMs: 0, revertOn: ['nack'], tolerated: 0 },
});
async function staged(...items: WriteItem[]) {
  const result = await store.staged.stage(request(...items));
  if (!result.ok) throw new Error(`refused: ${JSON.stringify(result.error)}`);
  return result.value;
}
const end = async (id: string) =>
  store.staged.step({
    id,
    actor,
    from: { states: ['queued', 'canary', 'held'] },
    to: { state: 'reverted', reason: 'test' },
  });
const newest = async () => {
  await store.feed.poke();
  const event = events.at(-1);
  if (event?.kind !== 'delta') throw new Error('a snapshot');
  return event;
};

describe('a staged change', () => {
  let name: string;
  let count = 0;
  beforeEach(async () => {
    count += 1;
    name = `svc-${count}`;
    for (const open of await store.staged.unfinished()) await end(open.id);
    await write(put(name, { ports: [] }));
  });

  it('is kept aside: what is stored stays, its feed event says who has what', async () => {
    const change = await staged(put(name, { ports: [1] }), put(`${name}-new`, {}));
    expect(change).toMatchObject({ state: 'canary', members: ['shop/web-1'], wave: 0, confirmLeftMs: undefined });
    expect((await store.resources.get('default', 'Service', 'shop', name))?.spec).toEqual({ ports: [] });
    const event = await newest();
    const candidate = event.candidates.get('default');
    expect(event.resources).toEqual([]);
    expect(candidate?.puts.map((row) => [row.name, row.createdRevision === Number.MAX_SAFE_INTEGER])).toEqual([
      [name, false],
      [`${name}-new`, true],
    ]);
    expect([...(candidate?.addresses.keys() ?? [])].sort()).toEqual([`shop/${name}`, `shop/${name}-new`]);
    expect(candidate?.revision).toBe(event.configRevision);
  });

  it('keeps others from writing what it holds, and nothing else', async () => {
    const change = await staged(put(name, { ports: [1] }));
    expect(await write(put(name, { ports: [2] }))).toMatchObject({
      error: { code: 'staged', change: change.id, name },
    });
    expect((await write(put(`${name}-other`, {}))).ok).toBe(true);
    await end(change.id);
    expect((await write(put(name, { ports: [2] }))).ok).toBe(true);
  });

  it("made everybody's is one revision: the resources, and the end of the lane", async () => {
    const change = await staged(put(name, { ports: [1] }), put(`${name}-new`, {}));
    const items = change.items.flatMap((item): WriteItem[] => (item.op === 'put' ? [{ ...item }] : []));
    const staging = { mesh: 'default', actor, message: change.message, items, staged: { promote: change.id } };
    const done = await store.resources.write(staging);
    const event = await newest();
    expect(done).toMatchObject({ ok: true, value: { revision: event.configRevision } });
    expect(event.resources).toHaveLength(2);
    expect([...event.candidates]).toEqual([['default', undefined]]);
    const after = await store.staged.get('default', change.id);
    expect(after).toMatchObject({ state: 'watched', appliedRevision: event.configRevision });
    expect(await store.resources.write({ ...staging, items: [put(name, { ports: [9] })] })).toMatchObject({
      error: { code: 'staged-moved' },
    });
  });

  it('waits while another one is open, and says for which', async () => {
    const first = await staged(put(name, { ports: [1] }));
    const second = await staged(put(`${name}-b`, {}));
    expect([second.state, second.members, second.reason]).toEqual(['queued', [], `${first.id} is open`]);
    const open = { state: 'canary', members: ['shop/web-2'] } as const;
    await expect(store.staged.step({ id: second.id, actor, from: { states: ['queued'] }, to: open })).rejects.toThrow();
    await end(first.id);
    const opened = await store.staged.step({ id: second.id, actor, from: { states: ['queued'] }, to: open });
    expect(opened).toMatchObject({ state: 'canary', members: ['shop/web-2'], reason: '' });
    expect(await store.staged.step({ id: second.id, actor, from: { states: ['queued'] }, to: open })).toBeUndefined();
  });

  it('is refused like a write: a host name that is taken, a version that is another, nothing that changes', async () => {
    const taken = { ...put(`${name}-c`, {}), hostnames: [`${name}.example.com`] } as WriteItem;
    expect(await store.staged.stage(request(taken))).toMatchObject({ error: { code: 'hostname-taken' } });
    expect(
      await store.staged.stage(request({ ...put(name, { ports: [1] }), ifVersion: 7 } as WriteItem)),
    ).toMatchObject({
      error: { code: 'version-conflict' },
    });
    const refused = await database.rows(
      `SELECT 1 FROM audit_entry WHERE decision = 'refused' AND subjects @> ARRAY['Service shop/${name}']`,
    );
    expect(refused).toHaveLength(1);
    expect(await store.staged.stage(request(put(name, { ports: [] })))).toMatchObject({ error: { code: 'unchanged' } });
    expect((await store.staged.unfinished()).filter(({ state }) => state !== 'watched')).toEqual([]);
  });

  it('given up gives back the numbers of services that never came', async () => {
    const rows = () => database.rows(`SELECT name FROM service_address WHERE name = '${name}-new' OR name = '${name}'`);
    const change = await staged(put(name, { ports: [1] }), put(`${name}-new`, {}));
    expect(await rows()).toHaveLength(2);
    await end(change.id);
    expect(await rows()).toEqual([{ name }]);
  });

  it("that everybody has at once is watched until its time, which is Postgres's", async () => {
    const options = { ...request().options, waves: [], confirmMs: 60_000 };
    const done = await store.resources.write({
      ...{ mesh: 'default', actor, message: '', items: [put(name, { ports: [3] })] },
      staged: { watch: options },
    });
    if (!done.ok || done.value.staged === undefined) throw new Error('it is not watched');
    const change = await store.staged.get('default', done.value.staged);
    expect(change).toMatchObject({ state: 'watched', appliedRevision: done.value.revision });
    expect(change?.confirmLeftMs).toBeGreaterThan(50_000);
    const undone = await store.resources.write({
      ...{ mesh: 'default', actor, message: '', items: [put(name, { ports: [] })], reverts: done.value.change },
      staged: { undo: done.value.staged, reason: 'nobody confirmed it' },
    });
    expect(undone.ok).toBe(true);
    expect(await store.staged.get('default', done.value.staged)).toMatchObject({
      state: 'reverted',
      reason: 'nobody confirmed it',
      confirmLeftMs: undefined,
    });
  });

  it('leaves a whole audit chain, with every step in it (SEC-61)', async () => {
    const change = await staged(put(name, { ports: [1] }));
    await end(change.id);
    expect(await store.verifyAudit()).toMatchObject({ ok: true });
    const entries = (await database.rows(
      `SELECT payload FROM audit_entry WHERE action = 'staged' ORDER BY seq DESC LIMIT 2`,
    )) as { payload: string }[];
    const steps = entries.map(({ payload }) => (JSON.parse(payload) as { staged: { id: string; to: string } }).staged);
    expect(steps.map(({ id, to }) => [id, to])).toEqual([
      [change.id, 'reverted'],
      [change.id, 'canary'],
    ]);
  });

  it('keeps the newest report of each replica', async () => {
    const change = await staged(put(name, { ports: [1] }));
    for (const acked of [1, 2])
      await store.staged.report(change.id, { replica: 'a', revision: 5, evidence: { acked } });
    expect(await store.staged.reports(change.id)).toMatchObject([
      { replica: 'a', revision: 5, evidence: { acked: 2 } },
    ]);
    expect(await store.staged.replicas()).toEqual(['a']);
  });
});
