import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TYPE } from '#libs/envoy-api';
import { contentHash, type ProxyIdentity, silentLog, silentMetrics, systemClock } from '#libs/kernel';
import { openStore, type SpanBatch, type Spans, type Store, StoreUnavailable } from '#libs/store';
import type { Holding, TypeHoldings } from '#libs/xds';
import { createTestDatabase, runStatements, type TestDatabase } from '../../../testing/src/postgres/index.js';
import { SpanRecorder } from './recorder.js';

const MESH = 'default';
let database: TestDatabase;
let store: Store;

beforeAll(async () => {
  database = await createTestDatabase();
  store = await openStore({ url: database.url, replica: 'a' });
});
beforeEach(() => sql('TRUNCATE stream_span, manifest, artifact'));
afterAll(async () => {
  await store?.close();
  await database?.drop();
});

/** Contents are the same objects on every stream, as in the engine. */
const made = new Map<string, Holding>();
function content(text: string): Holding {
  const known = made.get(text) ?? { id: made.size + 1, version: contentHash(text), bytes: Buffer.from(text) };
  made.set(text, known);
  return known;
}

interface Proxy {
  readonly identity: ProxyIdentity;
  readonly stream: number;
  answers: number;
  settled: boolean;
  /** Names with a text for each. */
  held: Readonly<Record<string, string>>;
  own: Readonly<Record<string, string>>;
  refused: TypeHoldings['refused'];
}

/** Streams as the engine tells of them, and the recorder that is told. */
class Crowd {
  readonly #proxies = new Map<number, Proxy>();
  readonly batches: SpanBatch[] = [];
  readonly recorder: SpanRecorder;
  away = false;
  now = 0;

  constructor(metrics = silentMetrics) {
    const spans: Pick<Spans, 'write'> = {
      write: (replica, batch) => {
        if (this.away) return Promise.reject(new StoreUnavailable('away'));
        this.batches.push(batch);
        return store.spans.write(replica, batch);
      },
    };
    this.recorder = new SpanRecorder({
      ...{ spans, replica: 'a', busy: () => false, log: silentLog, metrics },
      clock: { ...systemClock, monotonic: () => this.now },
      holders: {
        answers: (stream) => {
          const proxy = this.#proxies.get(stream);
          return proxy && new Map([[TYPE.cluster, proxy.answers]]);
        },
        holdings: (stream) => {
          const proxy = this.#proxies.get(stream);
          return proxy && holdings(proxy);
        },
      },
    });
  }

  join(number: number, fields: Partial<Proxy> = {}, name = `web-${number}`): Proxy {
    const identity = { mesh: MESH, namespace: 'shop', workload: 'web', instance: name };
    const proxy = { identity, stream: number, answers: 1, settled: true, held: {}, own: {}, refused: [], ...fields };
    this.#proxies.set(number, proxy);
    return proxy;
  }

  atRest(proxy: Proxy, revision: number): void {
    this.recorder.caughtUp(proxy.stream, proxy.identity, revision);
  }

  leave(proxy: Proxy): void {
    this.#proxies.delete(proxy.stream);
    this.recorder.closed(proxy.stream, proxy.identity);
  }
}

function holdings({ held, own, settled, refused }: Proxy): readonly TypeHoldings[] {
  const acked = (of: Readonly<Record<string, string>>) =>
    new Map(Object.entries(of).map(([name, text]) => [name, content(text)]));
  return [
    { type: TYPE.cluster, acked: acked(held), settled, refused },
    { type: TYPE.endpoint, acked: acked({ a: 'endpoints' }), settled, refused: [] },
    { type: TYPE.listener, acked: acked(own), settled, refused: [] },
    { type: TYPE.secret, acked: acked({ identity: 'a secret' }), settled, refused: [] },
  ];
}

const sql = (statement: string): Promise<unknown[]> => runStatements(database.url, [statement]);
const COUNTS = ['artifact', 'manifest', 'stream_span'].map(
  (table) => `(SELECT count(*)::int FROM ${table}) AS ${table}`,
);
const rows = async (): Promise<unknown> => (await sql(`SELECT ${COUNTS.join(', ')}`))[0];
const clusters = (count: number, changed = -1): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`shop/s${i}/80`, `cluster ${i === changed ? 'B' : i}`]));
const spanOf = async (name: string) => (await store.spans.at(MESH, `shop/${name}`, { agoMs: 0 })).span;

describe('what proxies hold', () => {
  it('costs of a thousand proxies of one class and one change one content, one set and a thousand spans', async () => {
    const crowd = new Crowd();
    const all = Array.from({ length: 1_000 }, (_, i) =>
      crowd.join(i, { held: clusters(200), own: { outbound: `listener of ${i}` } }),
    );
    for (const proxy of all) crowd.atRest(proxy, 1);
    await crowd.recorder.flush();
    expect(await rows()).toEqual({ artifact: 1_200, manifest: 1_001, stream_span: 1_000 });
    crowd.batches.length = 0;
    for (const proxy of all) {
      Object.assign(proxy, { held: clusters(200, 7), answers: 2 });
      crowd.atRest(proxy, 2);
    }
    await crowd.recorder.flush();
    expect(await rows()).toEqual({ artifact: 1_201, manifest: 1_002, stream_span: 2_000 });
    // In one transaction, and of the set only what differs.
    expect(crowd.batches.map(({ starts }) => starts.length)).toEqual([1_000]);
    expect(crowd.batches[0]?.manifests.map(({ entries }) => entries)).toEqual([
      [['CDS', 'shop/s7/80', contentHash('cluster B')]],
    ]);
    const span = await spanOf('web-3');
    expect(span).toMatchObject({ revision: 2, pins: [], until: undefined });
    const held = await store.spans.resources(MESH, [span?.manifest ?? '', span?.own ?? '']);
    expect(held).toHaveLength(201);
    expect(held.find(({ name }) => name === 'shop/s7/80')).toMatchObject({
      hash: contentHash('cluster B'),
      revision: 2,
    });
    expect(held.find(({ type }) => type === 'LDS')).toMatchObject({ hash: contentHash('listener of 3'), revision: 1 });
  });

  it('is not written again for what endpoints and secrets change, nor endpoints and secrets themselves', async () => {
    const crowd = new Crowd();
    const proxy = crowd.join(1, { held: clusters(2) });
    crowd.atRest(proxy, 1);
    await crowd.recorder.flush();
    crowd.batches.length = 0;
    crowd.atRest(proxy, 2);
    // Sent again, with the same content.
    proxy.answers += 1;
    crowd.atRest(proxy, 3);
    await crowd.recorder.flush();
    expect(crowd.batches).toEqual([]);
    expect(await sql('SELECT DISTINCT type FROM artifact')).toEqual([{ type: 'CDS' }]);
  });

  it('is what was confirmed, with what was refused beside it', async () => {
    const crowd = new Crowd();
    const refused = [{ name: 'shop/s1/80', version: 'bad', message: 'no' }];
    const proxy = crowd.join(1, { held: clusters(2) });
    crowd.atRest(proxy, 1);
    await crowd.recorder.flush();
    Object.assign(proxy, { refused, answers: 2 });
    crowd.atRest(proxy, 2);
    await crowd.recorder.flush();
    expect(await spanOf('web-1')).toMatchObject({
      pins: [{ type: 'CDS', name: 'shop/s1/80', hash: 'bad', message: 'no' }],
      revision: 2,
    });
    expect(await rows()).toEqual({ artifact: 2, manifest: 2, stream_span: 2 });
  });

  it('ends with the stream, unless the proxy has another one', async () => {
    const crowd = new Crowd();
    const first = crowd.join(1, { held: clusters(1) }, 'twice');
    crowd.atRest(first, 1);
    await crowd.recorder.flush();
    const second = crowd.join(2, { held: clusters(1) }, 'twice');
    crowd.atRest(second, 1);
    crowd.leave(first);
    await crowd.recorder.flush();
    expect(await rows()).toMatchObject({ stream_span: 1 });
    expect(await spanOf('twice')).toMatchObject({ until: undefined });
    crowd.leave(second);
    await crowd.recorder.flush();
    expect(await spanOf('twice')).toMatchObject({ until: expect.any(String) });
    const third = crowd.join(3, { held: clusters(1) }, 'twice');
    crowd.atRest(third, 1);
    await crowd.recorder.flush();
    expect(await rows()).toEqual({ artifact: 1, manifest: 2, stream_span: 2 });
  });

  it('REL-41: goes on when a proxy is back at once with the same, so that one that flaps causes no writes', async () => {
    const crowd = new Crowd();
    let proxy = crowd.join(1, { held: clusters(1) }, 'flaps');
    crowd.atRest(proxy, 1);
    await crowd.recorder.flush();
    crowd.batches.length = 0;
    const back = (stream: number, held = clusters(1)): void => {
      proxy = crowd.join(stream, { held }, 'flaps');
      crowd.atRest(proxy, 1);
    };
    for (let stream = 2; stream < 10; stream += 1) {
      crowd.leave(proxy);
      crowd.now += 1_000;
      back(stream);
      crowd.recorder.note();
    }
    await crowd.recorder.flush();
    expect(crowd.batches).toEqual([]);
    // With something else, or after a while, it has been away.
    crowd.leave(proxy);
    crowd.now += 1_000;
    back(10, clusters(2));
    await crowd.recorder.flush();
    crowd.leave(proxy);
    crowd.now += 3_000;
    back(11, clusters(2));
    await crowd.recorder.flush();
    expect(crowd.batches.map(({ starts }) => starts.map(({ held }) => held !== undefined))).toEqual([
      [false, true],
      [false, true],
    ]);
  });

  it('waits for a stream that is on its way, but not for ever', async () => {
    const crowd = new Crowd();
    const proxy = crowd.join(1, { held: clusters(1), settled: false });
    crowd.atRest(proxy, 1);
    await crowd.recorder.flush();
    expect(await rows()).toMatchObject({ stream_span: 0 });
    crowd.now += 11_000;
    await crowd.recorder.flush();
    expect(await rows()).toMatchObject({ stream_span: 1 });
  });
});

describe('while Postgres is away', () => {
  it('keeps what it knows, each with its time', async () => {
    const crowd = new Crowd();
    const proxy = crowd.join(1, { held: clusters(1) });
    crowd.atRest(proxy, 1);
    await crowd.recorder.flush();
    crowd.away = true;
    await wait();
    const before = (await store.spans.at(MESH, 'none', { agoMs: 0 })).now;
    Object.assign(proxy, { held: clusters(2), answers: 2 });
    crowd.atRest(proxy, 2);
    await crowd.recorder.flush();
    crowd.away = false;
    crowd.now += 5_000;
    await crowd.recorder.flush();
    const { since } = (await spanOf('web-1')) ?? {};
    expect(Date.parse(since ?? '')).toBeLessThan(Date.parse(before));
    expect(await rows()).toMatchObject({ stream_span: 2 });
  });

  it('drops what is too much, and says so: of each proxy it keeps the first and the last', async () => {
    const counted: Record<string, number> = {};
    const crowd = new Crowd({
      ...silentMetrics,
      count: (name, _, by = 1) => {
        counted[name] = (counted[name] ?? 0) + by;
      },
    });
    crowd.away = true;
    const proxy = crowd.join(1, { held: clusters(1) });
    for (let n = 1; n <= 10_001; n += 1) {
      Object.assign(proxy, { held: clusters(1, n % 2 ? 0 : 1), answers: n });
      crowd.atRest(proxy, n);
      await crowd.recorder.flush();
    }
    expect(counted).toMatchObject({ heddle_spans_dropped_total: 9_999 });
    crowd.away = false;
    await crowd.recorder.flush();
    expect(await rows()).toMatchObject({ stream_span: 1 });
    expect(await spanOf('web-1')).toMatchObject({ revision: 10_001 });
  });
});

const wait = () => new Promise((resolve) => setTimeout(resolve, 20));
