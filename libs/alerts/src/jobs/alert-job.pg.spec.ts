import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { silentLog, systemClock } from '#libs/kernel';
import { createRegistry } from '#libs/model';
import { openStore, type Store } from '#libs/store';
import { CountingMetrics } from '../../../../test/conformance/rig.js';
import { FaultProxy } from '../../../testing/src/faults/index.js';
import { createTestDatabase, type TestDatabase } from '../../../testing/src/postgres/index.js';
import { AlertJob } from './alert-job.js';
import { FactsReader } from './facts.js';
import { RuleBook } from './rule-book.js';

const actor = { name: 'tests', role: 'admin', ip: '', requestId: '' };
const MESHES = ['acme', 'default', 'zeta'];
const FAILURES = 'heddle_alert_turn_failures_total';

/** With labels, other than its parent. */
class Gauges extends CountingMetrics {
  readonly gauges = new Map<string, number>();

  override gauge(name: string, value: number, labels: Readonly<Record<string, string>> = {}): void {
    this.gauges.set([name, ...Object.values(labels)].join(' '), value);
  }
}

let database: TestDatabase;
let way: FaultProxy;
let store: Store;

beforeAll(async () => {
  database = await createTestDatabase();
  const { hostname, port } = new URL(database.url);
  way = await FaultProxy.start({ targets: () => [{ host: hostname, port: Number(port) }] });
  store = await openStore({ url: way.urlOf(database.url), replica: 'a', delivers: true });
  for (const name of MESHES.filter((mesh) => mesh !== 'default')) {
    const metadata = { name, namespace: '', labels: {}, annotations: {} };
    const manifest = { apiVersion: 'heddle.dev/v1alpha1', kind: 'Mesh', metadata, spec: {} };
    const items = [{ op: 'put' as const, manifest }];
    expect((await store.resources.write({ mesh: name, actor, message: '', items })).ok).toBe(true);
  }
});
beforeEach(async () => {
  for (const table of ['alert', 'alert_event', 'job_lease']) await database.rows(`DELETE FROM ${table}`);
  const refusals = (mesh: string) => [{ node: `${mesh}/shop/web/web-1`, type: 'CDS', name: 'x', message: 'no' }];
  await store.alertSources.observe(MESHES.map((mesh) => ({ mesh, refusing: refusals(mesh), behind: [] })));
});
afterAll(async () => {
  way?.set('open');
  await store?.close();
  await way?.stop();
  await database?.drop();
});

interface Looked {
  readonly job: AlertJob;
  readonly metrics: Gauges;
  /** Meshes in the order in which they were looked at. */
  readonly seen: string[];
}

/** A job that does something before it reads what is known of a mesh. */
function looking(before: (mesh: string) => Promise<unknown> = async () => {}): Looked {
  const [seen, metrics] = [[] as string[], new Gauges()];
  const reader = new FactsReader(store, systemClock);
  const job = new AlertJob({
    ...{ store, metrics, clock: systemClock, log: silentLog, replica: 'a', everySeconds: 1, externalUrl: '' },
    ...{ signals: undefined, courier: { turn: async () => {}, idle: async () => {} } },
    book: new RuleBook({ store, registry: createRegistry([]) }),
    facts: {
      server: () => reader.server(),
      mesh: async (watched) => {
        seen.push(watched.mesh);
        await before(watched.mesh);
        return reader.mesh(watched);
      },
    },
  });
  return { job, metrics, seen };
}

const alerted = async (): Promise<readonly string[]> =>
  (await database.rows(`SELECT DISTINCT mesh FROM alert WHERE state = 'firing' ORDER BY 1`)).map(
    (row) => (row as { mesh: string }).mesh,
  );
const sleepers = `FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'`;

describe('a turn over many meshes', () => {
  it('SEC-70 a mesh of which a statement is not answered in time keeps no other from being looked at', async () => {
    const { job, metrics, seen } = looking();
    await job.tick();
    expect(await alerted()).toEqual(MESHES);
    await database.rows(`DELETE FROM alert WHERE mesh <> 'acme'`);
    // What is known of its alert is written anew with every look.
    const held = database
      .rows(`BEGIN; SELECT FROM alert WHERE mesh = 'acme' FOR UPDATE; SELECT pg_sleep(600)`)
      .catch(() => 'cut');
    await expect.poll(() => database.rows(`SELECT 1 ${sleepers}`)).toHaveLength(1);
    await job.tick();
    expect(seen).toEqual([...MESHES, ...MESHES]);
    expect(await alerted()).toEqual(MESHES);
    expect(await database.rows('SELECT DISTINCT mesh FROM alert_event')).toHaveLength(3);
    expect(metrics.counts.get(FAILURES)).toBe(1);
    expect(metrics.gauges.get('heddle_alerts_firing critical')).toBe(3);
    await database.rows(`SELECT pg_terminate_backend(pid) ${sleepers}`);
    expect(await held).toBe('cut');
    await job.tick();
    expect(metrics.counts.get(FAILURES)).toBe(1);
    await job.stop();
  });

  it('ends when Postgres answers nothing at all, and goes on after the mesh that it ended at', async () => {
    let isCut = true;
    const { job, metrics, seen } = looking(async (mesh) => {
      if (isCut && mesh === 'default') way.set('refused');
    });
    await job.tick();
    expect([seen.splice(0), metrics.counts.get(FAILURES)]).toEqual([['acme', 'default'], 1]);
    isCut = false;
    way.set('open');
    await expect.poll(() => store.ping()).toBe(true);
    await job.tick();
    expect(seen).toEqual(['zeta', 'acme', 'default']);
    expect(await alerted()).toEqual(MESHES);
    await job.stop();
  });

  it('REL-48 another replica that takes the lease ends it; who gets it back begins where it was', async () => {
    let isStolen = false;
    const { job, seen } = looking(async (mesh) => {
      if (isStolen || mesh !== 'default') return;
      isStolen = true;
      await database.rows(`UPDATE job_lease SET holder = 'b', fence = fence + 1, until = now() + interval '1 hour'`);
    });
    await job.tick();
    expect([seen.splice(0), await alerted()]).toEqual([['acme', 'default'], ['acme']]);
    await job.tick();
    expect(seen).toEqual([]);
    await database.rows(`UPDATE job_lease SET until = now() - interval '1 second'`);
    await job.tick();
    expect([seen, await alerted()]).toEqual([['zeta', 'acme', 'default'], MESHES]);
    await job.stop();
  });

  it('has a whole lease for each mesh, however long the one before has taken', async () => {
    const left: unknown[] = [];
    const { job } = looking(async () => {
      left.push(...(await database.rows(`SELECT until > now() + interval '20 seconds' AS whole FROM job_lease`)));
      await database.rows(`UPDATE job_lease SET until = now() - interval '1 second'`);
    });
    await job.tick();
    expect(left).toEqual(MESHES.map(() => ({ whole: true })));
    expect(await alerted()).toEqual(MESHES);
    await job.stop();
  });

  it('is the only one: ticks that come meanwhile begin no other, and a stop waits for one mesh', async () => {
    let go = (): void => {};
    const waiting = new Promise<void>((resolve) => {
      go = resolve;
    });
    const { job, seen } = looking(() => waiting);
    const turns = Array.from({ length: 1_000 }, () => job.tick());
    await expect.poll(() => seen).toEqual(['acme']);
    const stopped = job.stop();
    go();
    await Promise.all([stopped, ...turns]);
    expect([seen, await alerted(), new Set(turns).size]).toEqual([['acme'], ['acme'], 1]);
    expect(await database.rows('SELECT 1 FROM job_lease WHERE until > now()')).toEqual([]);
  });
});
