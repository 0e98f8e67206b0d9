import { Client } from 'pg';
import { afterEach, describe, expect, it } from 'vitest';
import { silentLog, silentMetrics, systemClock } from '#libs/kernel';
import { openStore, type Store } from '#libs/store';
import { EVERYTHING, type Harvest, harvestStore, LatencySketch, SignalQueries, SignalRollUp } from '#libs/telemetry';
import { createTestDatabase } from '../../libs/testing/src/postgres/index.js';

const MINUTE = 60_000;
const HALF_AN_HOUR = 30 * MINUTE;
/** Begin of one that is over, of which there are ranges of all resolutions. */
const AT = Math.floor(Date.now() / HALF_AN_HOUR - 1) * HALF_AN_HOUR;

function harvest(at: number, source: string, requests: number): Harvest {
  const latencies = new LatencySketch();
  latencies.add(10, requests);
  const cell = {
    ...{ at, lengthMs: 10_000, complete: true, caller: 'shop/web', callee: 'shop/orders/http', subset: '', route: '' },
    ...({ outcome: 'ok', status: 200, requests, attempts: requests, latencies } as const),
  };
  return { mesh: 'default', source, edges: [cell], instances: [], zones: [], failures: [] };
}

const zoneOfThis = process.env['TZ'];
afterEach(() => {
  if (zoneOfThis === undefined) delete process.env['TZ'];
  else process.env['TZ'] = zoneOfThis;
});

interface Zones {
  /** Of every session of the database, and of this process. */
  readonly database: string;
  readonly process: string;
}

/** What is answered about that time after these harvests were left and rolled up. */
async function answers(zones: Zones, harvests: readonly Harvest[]): Promise<unknown> {
  const database = await createTestDatabase();
  process.env['TZ'] = zones.process;
  let store: Store | undefined;
  const raw = new Client({ connectionString: database.url });
  try {
    await raw.connect();
    await raw.query(`ALTER DATABASE ${new URL(database.url).pathname.slice(1)} SET timezone TO '${zones.database}'`);
    store = await openStore({ url: database.url, replica: 'a', pool: 2 });
    const stored = harvestStore({ signals: store.signals, metrics: silentMetrics });
    for (const each of harvests) await stored.write(each);
    const parts = { store, replica: 'a', clock: systemClock, log: silentLog, metrics: silentMetrics };
    await new SignalRollUp(parts).tick();
    const queries = new SignalQueries({ ...store, metrics: silentMetrics });
    const ask = { mesh: 'default', sight: EVERYTHING, from: AT, to: AT + HALF_AN_HOUR };
    const chart = await queries.service({ ...ask, namespace: 'shop', service: 'orders', stepMs: MINUTE });
    const { items } = await queries.services({ ...ask, sort: 'rate', limit: 10 });
    const counted = chart?.chart.points.filter(({ count }) => count > 0).map(({ at, count }) => [at, count]);
    return { counted, total: items.map(({ count }) => count), from: chart?.from };
  } finally {
    await raw.end();
    await store?.close();
    await database.drop();
  }
}

const iso = (at: number): string => new Date(at).toISOString();
const UTC = { database: 'UTC', process: 'UTC' };

describe('charts', () => {
  it.each([
    UTC,
    { database: 'Asia/Kathmandu', process: 'America/St_Johns' },
    { database: 'Pacific/Kiritimati', process: 'Pacific/Marquesas' },
  ])('REL-30 are the same in every time zone: $database, $process', async (zones) => {
    const harvests = [
      harvest(AT, 'a', 3),
      harvest(AT + 10 * MINUTE, 'a', 5),
      harvest(AT + HALF_AN_HOUR - 10_000, 'a', 7),
    ];
    expect(await answers(zones, harvests)).toEqual({
      counted: [
        [iso(AT), 3],
        [iso(AT + 10 * MINUTE), 5],
        [iso(AT + HALF_AN_HOUR - MINUTE), 7],
      ],
      total: [15],
      from: iso(AT),
    });
  });

  it('REL-30 count once what a replica has counted whose clock is off, up to that much beside the others', async () => {
    const off = 40_000;
    const harvests = [0, 10 * MINUTE, 20 * MINUTE].flatMap((after) => [
      harvest(AT + after + MINUTE, 'right', 1),
      harvest(AT + after + MINUTE + off, 'fast', 10),
      harvest(AT + after + MINUTE - off, 'slow', 100),
    ]);
    const { counted, total } = (await answers(UTC, harvests)) as { counted: [string, number][]; total: number[] };
    expect(total).toEqual([333]);
    const minutes = [0, 10, 20].flatMap((after) => [
      [iso(AT + after * MINUTE), 100],
      [iso(AT + (after + 1) * MINUTE), 11],
    ]);
    expect(counted).toEqual(minutes);
  });
});
