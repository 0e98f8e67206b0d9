import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { silentLog, systemClock } from '#libs/kernel';
import { createRegistry, type Manifest } from '#libs/model';
import { openStore, type Store } from '#libs/store';
import { CountingMetrics } from '../../../../test/conformance/rig.js';
import { createTestDatabase, type TestDatabase } from '../../../testing/src/postgres/index.js';
import { Hook } from '../../testing/servers.js';
import { type AlertingOptions, type RunningAlerts, startAlerts } from './index.js';

const actor = { name: 'tests', role: 'admin', ip: '', requestId: '' };
const LEASE = `UPDATE job_lease SET until = now() - interval '1 second' WHERE name = 'alerts'`;

/** A replica as far as alerts go: a store of its own, and the proxies that it sees. */
class Replica {
  refusing: string[] = [];
  readonly metrics = new CountingMetrics();

  private constructor(
    readonly store: Store,
    public alerts: RunningAlerts,
  ) {}

  static async start(name: string, url: string, more: Partial<AlertingOptions> = {}): Promise<Replica> {
    const store = await openStore({ url, replica: name, delivers: true });
    const replica = new Replica(store, undefined as never);
    replica.alerts = startAlerts({
      ...{ store, registry: createRegistry([]), signals: undefined, replica: name, everySeconds: 1, externalUrl: '' },
      ...{ secretsDir: '', allowedHosts: ['127.0.0.1'], clock: systemClock, log: silentLog, metrics: replica.metrics },
      watch: { refusals: () => replica.refusals(), behind: () => [] },
      ...more,
    });
    return replica;
  }

  *refusals() {
    for (const name of this.refusing)
      yield { node: `default/shop/${name}/${name}-1`, type: 'CDS', name: 'shop/bad/80', message: 'no such policy' };
  }

  async stop(): Promise<void> {
    await this.alerts.stop();
    await this.store.close();
  }
}

let database: TestDatabase;
let replicas: Replica[] = [];
let hooks: Hook[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(async () => {
  for (const table of [
    'alert',
    'alert_event',
    'alert_group',
    'alert_notification',
    'alert_silence',
    'alert_observation',
  ])
    await database.rows(`DELETE FROM ${table}`).catch(() => {}); // there are none before the first start
});
afterEach(async () => {
  for (const replica of replicas.splice(0)) await replica.stop();
  for (const hook of hooks.splice(0)) await hook.stop();
});
afterAll(() => database?.drop());

async function replica(name: string, more?: Partial<AlertingOptions>): Promise<Replica> {
  const made = await Replica.start(name, database.url, more);
  replicas.push(made);
  return made;
}
async function hook(port?: number): Promise<Hook> {
  const made = await Hook.start(undefined, port);
  hooks.push(made);
  return made;
}

const manifest = (kind: string, name: string, spec: Record<string, unknown>): Manifest => ({
  ...{ apiVersion: 'heddle.dev/v1alpha1', kind, spec },
  metadata: { name, namespace: 'shop', labels: {}, annotations: {} },
});
const webhook = (name: string, { port }: { readonly port: number }, more: Record<string, unknown> = {}): Manifest =>
  manifest('AlertReceiver', name, {
    webhook: { url: `http://127.0.0.1:${port}/${name}` },
    ...{ groupWait: '0s', groupInterval: '1s', groupBy: ['alertname', 'workload'] },
    ...more,
  });
const rule = manifest('AlertRule', 'refusals', {
  proxiesRefusing: {},
  for: '0s',
  keepFiring: '0s',
  severity: 'critical',
});

async function write(store: Store, ...manifests: readonly Manifest[]): Promise<void> {
  for (const kind of ['AlertRule', 'AlertReceiver'])
    for (const { namespace, name } of (await store.resources.list({ mesh: 'default', kind, limit: 500 })).items)
      await store.resources.write({
        mesh: 'default',
        actor,
        message: '',
        items: [{ op: 'delete', kind, namespace, name }],
      });
  const items = manifests.map((one) => ({ op: 'put' as const, manifest: one }));
  expect((await store.resources.write({ mesh: 'default', actor, message: '', items })).ok).toBe(true);
}

/** Told of web and nothing else: the built-in rule is about it, too. */
const of = ({ received }: Hook, alertname = 'refusals'): string[] =>
  received.flatMap(({ body }) =>
    (body.alerts as { status: string; labels: Record<string, string> }[])
      .filter(({ labels }) => labels['alertname'] === alertname)
      .map(({ status, labels }) => `${status} ${labels['workload']}`),
  );

describe('alerts, from what is seen to who is told', () => {
  it('a webhook gets the alert, and later its end; both are in history', async () => {
    const here = await replica('a');
    const told = await hook();
    await write(here.store, rule, webhook('oncall', told, { matchers: ['alertname="refusals"'] }));
    here.refusing = ['web'];
    await expect.poll(() => of(told)).toEqual(['firing web']);
    expect(told.received[0]?.body).toMatchObject({
      version: '4',
      receiver: 'shop/oncall',
      commonLabels: {
        alertname: 'refusals',
        namespace: 'shop',
        workload: 'web',
        severity: 'critical',
        mesh: 'default',
      },
      alerts: [
        {
          annotations: {
            summary: 'one proxy of shop/web refuses configuration: web-1: CDS shop/bad/80: no such policy',
          },
        },
      ],
    });
    here.refusing = [];
    await expect.poll(() => of(told)).toEqual(['firing web', 'resolved web']);
    const { items } = await here.store.alerts.history({ mesh: 'default', limit: 50 });
    expect(items.filter(({ alert }) => alert.rule.name === 'refusals').map(({ state }) => state)).toEqual([
      'resolved',
      'firing',
    ]);
    expect(await here.store.alerts.groups('default')).toEqual([]);
  });

  it('of what another replica sees of its proxies everybody knows', async () => {
    const [here, there] = [await replica('a'), await replica('b')];
    const told = await hook();
    await write(here.store, rule, webhook('oncall', told));
    here.refusing = ['web'];
    there.refusing = ['pay'];
    await expect.poll(() => of(told).toSorted()).toEqual(['firing pay', 'firing web']);
  });

  it('two replicas tell once; when the one that does it is gone, the other does it', async () => {
    const [here, there] = [await replica('a'), await replica('b')];
    const told = await hook();
    await write(here.store, rule, webhook('oncall', told));
    here.refusing = ['web'];
    there.refusing = ['web'];
    await expect.poll(() => of(told)).toEqual(['firing web']);
    const [holder] = (await database.rows(`SELECT holder FROM job_lease WHERE name = 'alerts'`)) as {
      holder: string;
    }[];
    const [busy, idle] = holder?.holder.startsWith('a/') ? [here, there] : [there, here];
    idle.refusing = ['web', 'pay'];
    replicas = [idle];
    await busy.stop();
    await expect.poll(() => of(told)).toContain('firing pay');
    expect(of(told).filter((one) => one === 'firing web').length).toBeLessThanOrEqual(2); // once, and again with its group
  });

  it('a receiver that is down is told when it is back, and holds up nobody', async () => {
    const here = await replica('a', { random: () => 0 });
    const [good, bad] = [await hook(), await hook()];
    const { port } = bad;
    hooks = [good];
    await bad.stop();
    await write(here.store, rule, webhook('good', good), webhook('bad', { port }));
    here.refusing = ['web'];
    await expect.poll(() => of(good)).toEqual(['firing web']);
    const deliveries = () => here.store.alertOutbox.deliveries('default');
    await expect
      .poll(async () => (await deliveries()).find(({ receiver }) => receiver === 'shop/bad')?.attempts)
      .toBeGreaterThan(1);
    await expect.poll(deliveries).toMatchObject([
      { receiver: 'shop/bad', error: `127.0.0.1:${port} cannot be reached (ECONNREFUSED)` },
      { receiver: 'shop/good', queued: 0, attempts: 0, error: '' },
    ]);
    here.refusing = [];
    await expect.poll(() => of(good)).toEqual(['firing web', 'resolved web']);
    const back = await hook(port);
    await expect.poll(() => of(back)).toEqual(['firing web', 'resolved web']);
  });

  it('one that does not answer holds up nobody', async () => {
    const here = await replica('a');
    const [good, deaf] = [await hook(), await hook()];
    deaf.isDeaf = true;
    await write(here.store, rule, webhook('good', good), webhook('deaf', deaf));
    here.refusing = ['web'];
    await expect.poll(() => deaf.received.length).toBeGreaterThan(0);
    here.refusing = ['web', 'pay'];
    await expect.poll(() => of(good)).toEqual(['firing web', 'firing pay']);
  });

  it('what the receiver refuses for good is given up at once, and so is what is for one that is gone', async () => {
    const here = await replica('a');
    const [strict, deaf] = [await hook(), await hook()];
    strict.status = 400;
    const only = { matchers: ['alertname="refusals"'] };
    await write(here.store, rule, webhook('strict', strict, only));
    here.refusing = ['web'];
    const failed = async (receiver: string) =>
      (await here.store.alertOutbox.deliveries('default')).find((one) => one.receiver === receiver);
    await expect
      .poll(() => failed('shop/strict'))
      .toMatchObject({ failed: 1, queued: 0, error: expect.stringContaining('answered with 400') });
    deaf.status = 500;
    await write(here.store, rule, webhook('gone', deaf, only));
    await expect.poll(() => deaf.received.length).toBeGreaterThan(0);
    await write(here.store, rule);
    await expect.poll(() => failed('shop/gone')).toMatchObject({ failed: 1, error: 'the receiver is gone' });
    expect(here.metrics.counts.get('heddle_alert_notifications_total given-up')).toBe(2);
  });

  it('a silence keeps it from being told, and its end lets it be told', async () => {
    const here = await replica('a');
    const told = await hook();
    await write(here.store, rule, webhook('oncall', told, { matchers: ['alertname="refusals"'] }));
    const silence = {
      mesh: 'default',
      namespace: 'shop',
      matchers: ['workload="web"'],
      reason: 'known',
      forMs: 600_000,
    };
    const { id } = await here.store.silences.add(silence, actor);
    here.refusing = ['web', 'pay'];
    await expect.poll(() => of(told)).toEqual(['firing pay']);
    await here.store.silences.end('default', id, actor);
    await expect.poll(() => of(told)).toEqual(['firing pay', 'firing web']);
  });

  it('REL-48: a stalled holder whose lease another has taken writes nothing more', async () => {
    const here = await replica('a');
    await write(here.store, rule);
    await expect.poll(() => database.rows(`SELECT 1 FROM job_lease WHERE name = 'alerts'`)).toHaveLength(1);
    await database.rows(LEASE);
    const other = await here.store.leases.take('alerts', 'other', 600_000);
    here.refusing = ['web'];
    const written = () => database.rows('SELECT 1 FROM alert');
    await expect
      .poll(() => here.store.alertSources.facts('default', 0))
      .toMatchObject({ observations: [{ mesh: 'default' }] });
    expect([other?.holder, await written()]).toEqual(['other', []]);
    await database.rows(LEASE);
    await expect.poll(written).not.toHaveLength(0);
  });
});

describe('questions about alerts', () => {
  it('what every rule says, how objectives stand, and that no source of traffic is connected', async () => {
    const here = await replica('a', { everySeconds: 0 });
    const slo = manifest('ServiceLevelObjective', 'orders', {
      targetRef: { kind: 'Service', name: 'orders' },
      objective: 99.9,
      availability: {},
    });
    const signal = manifest('AlertRule', 'failing', { signal: { aggregate: 'FailurePercent', above: 5 } });
    await write(here.store, rule, signal, slo);
    const { questions } = here.alerts;
    const said = (await questions.rules('default')).map(({ rule: { name }, state, why }) =>
      `${name} ${state} ${why}`.trim(),
    );
    expect(said).toEqual(
      expect.arrayContaining([
        'refusals evaluated',
        'builtin:ReplicaGone evaluated',
        expect.stringMatching(/^failing unknown no source of traffic/),
      ]),
    );
    expect(await questions.objectives('default')).toMatchObject([
      { status: undefined, why: expect.stringMatching(/^Service shop\/orders is not there; no source of traffic/) },
    ]);
    expect(await questions.prometheusRules('default')).toContain('alert: orders');
    expect(await database.rows('SELECT 1 FROM alert')).toEqual([]);
  });

  it('a test of a receiver says how it went, without what was answered', async () => {
    const here = await replica('a', { everySeconds: 0 });
    const told = await hook();
    told.answer = 'a secret of the inside';
    await write(here.store, webhook('oncall', told), webhook('other', { port: 1 }));
    const { questions } = here.alerts;
    expect(await questions.test('default', 'shop', 'oncall')).toMatchObject({ delivered: true, reason: '' });
    expect(told.told).toEqual(['firing Test']);
    told.status = 500;
    expect(await questions.test('default', 'shop', 'oncall')).toMatchObject({
      delivered: false,
      reason: `127.0.0.1:${told.port} answered with 500`,
    });
    expect(await questions.test('default', 'shop', 'other')).toMatchObject({
      delivered: false,
      reason: '127.0.0.1:1 cannot be reached (ECONNREFUSED)',
    });
    expect(await questions.test('default', 'shop', 'absent')).toBeUndefined();
  });
});
