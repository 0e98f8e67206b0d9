import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../testing/src/postgres/index.js';
import { DETACHED_TOO_LONG } from '../instances/sweep.js';
import { openStore } from '../open-store.js';
import type { AlertRow, AlertTurn, Lease, Store } from '../ports.js';
import { actor, at, instance } from '../testing/fixtures.js';

const MESH = 'default';

const alert = (fingerprint: string, more: Partial<AlertRow> = {}): AlertRow => ({
  ...{ mesh: MESH, fingerprint, rule: { kind: 'AlertRule', namespace: 'shop', name: 'r' }, state: 'firing' },
  ...{ labels: { alertname: 'r', namespace: 'shop' }, pendingAt: 1, firingAt: 1, resolvedAt: 0, seenAt: 1, heldMs: 0 },
  ...{ overMs: -1, unknownMs: 0, value: 1, threshold: 0, unit: 'proxies', sentence: 'no \u0001 good', description: '' },
  ...{ runbook: '', ending: '' },
  ...more,
});

const turn = (more: Partial<AlertTurn>): AlertTurn => ({
  ...{ mesh: MESH, put: [], removed: [], events: [], groups: [], removedGroups: [], notifications: [] },
  ...more,
});

describe('alerts in the store', () => {
  let database: TestDatabase;
  let store: Store;
  let lease: Lease;

  beforeAll(async () => {
    database = await createTestDatabase();
    store = await openStore({ url: database.url, replica: 'a', delivers: true });
  });
  beforeEach(async () => {
    const taken = await store.leases.take('alerts', 'a/1', 600_000);
    if (!taken) throw new Error('the lease is taken');
    lease = taken;
    for (const table of ['alert', 'alert_event', 'alert_group', 'alert_notification', 'alert_silence'])
      await database.rows(`DELETE FROM ${table}`);
  });
  afterAll(async () => {
    await store?.close();
    await database?.drop();
  });

  it('a turn is whole: alerts, history, groups, and what is to be sent', async () => {
    const one = alert('f1');
    const group = { receiver: 'shop/mail', groupKey: 'g', firstAt: 1, lastAt: 2, told: { f1: 1 } };
    const notification = { receiver: 'shop/mail', groupKey: 'g', payload: { n: 1 } };
    await store.alerts.commit(
      lease,
      turn({ put: [one], events: [{ state: 'firing', alert: one }], groups: [group], notifications: [notification] }),
    );
    expect(await store.alerts.list(MESH)).toEqual([one]);
    expect(await store.alerts.groups(MESH)).toEqual([group]);
    expect((await store.alerts.history({ mesh: MESH, limit: 10 })).items).toMatchObject([
      { state: 'firing', alert: one },
    ]);
    expect(await store.alertOutbox.due()).toMatchObject([{ mesh: MESH, ...notification, attempts: 0 }]);
    await store.alerts.commit(lease, turn({ removed: ['f1'], removedGroups: [group], notifications: [notification] }));
    expect([await store.alerts.list(MESH), await store.alerts.groups(MESH)]).toEqual([[], []]);
    expect(await store.alertOutbox.due()).toHaveLength(1);
    expect(await store.alerts.list('other')).toEqual([]);
  });

  it('REL-48: who has lost the lease writes nothing', async () => {
    await database.rows(
      `UPDATE job_lease SET holder = 'b', fence = fence + 1, until = now() - interval '1 s' WHERE name = 'alerts'`,
    );
    await expect(store.alerts.commit(lease, turn({ put: [alert('f')] }))).rejects.toThrow(
      'another replica does the job',
    );
    expect(await store.alerts.list(MESH)).toEqual([]);
  });

  it('history comes in pages, newest first, by time and by alert', async () => {
    const events = Array.from({ length: 5 }, (_, n) => ({
      state: 'firing' as const,
      alert: alert(`f${n % 2}`, { seenAt: n }),
    }));
    for (const event of events) await store.alerts.commit(lease, turn({ events: [event] }));
    const first = await store.alerts.history({ mesh: MESH, limit: 2 });
    expect(first.items.map((one) => one.alert.seenAt)).toEqual([4, 3]);
    const next = await store.alerts.history({ mesh: MESH, limit: 9, cursor: first.cursor });
    expect([next.items.map((one) => one.alert.seenAt), next.cursor]).toEqual([[2, 1, 0], undefined]);
    const f1 = await store.alerts.history({ mesh: MESH, limit: 9, fingerprint: 'f1' });
    expect(f1.items.map((one) => one.alert.seenAt)).toEqual([3, 1]);
    expect((await store.alerts.history({ mesh: MESH, limit: 9, since: '2999-01-01T00:00:00Z' })).items).toEqual([]);
  });

  it('of every receiver the oldest that is due; one that waits for its next attempt holds back no other receiver', async () => {
    const to = (receiver: string, groupKey: string) => ({ receiver, groupKey, payload: {} });
    await store.alerts.commit(
      lease,
      turn({ notifications: [to('shop/a', '1'), to('shop/a', '2'), to('shop/b', '1')] }),
    );
    const due = async () =>
      (await store.alertOutbox.due()).map(({ receiver, groupKey, attempts }) => `${receiver} ${groupKey} ${attempts}`);
    expect(await due()).toEqual(['shop/a 1 0', 'shop/b 1 0']);
    const [a1, b1] = await store.alertOutbox.due();
    await store.alertOutbox.failed(a1?.id ?? 0, 'no\0 answer', 3_600_000);
    await store.alertOutbox.sent(b1?.id ?? 0);
    expect(await due()).toEqual(['shop/a 2 0']);
    const [a2] = await store.alertOutbox.due();
    await store.alertOutbox.failed(a2?.id ?? 0, 'gone', undefined);
    expect(await store.alertOutbox.deliveries(MESH)).toMatchObject([
      { receiver: 'shop/a', queued: 1, failed: 1, sentAt: undefined, attempts: 1, error: 'no\uFFFD answer' },
      { receiver: 'shop/b', queued: 0, failed: 0, sentAt: expect.any(String), attempts: 0, error: '' },
    ]);
    expect(await store.alertOutbox.queued(MESH)).toEqual([{ receiver: 'shop/a', groupKey: '1' }]);
  });

  it('SEC-61: silences have an author, a reason and an end, and are in the audit', async () => {
    const silence = { mesh: MESH, namespace: 'shop', matchers: ['alertname="r"'], reason: 'we know', forMs: 60_000 };
    const { id } = await store.silences.add(silence, actor);
    expect(await store.silences.list(MESH)).toMatchObject([
      { id, author: 'tests', reason: 'we know', active: true, endedBy: '' },
    ]);
    expect([await store.silences.end(MESH, id, actor), await store.silences.end(MESH, id, actor)]).toEqual([
      true,
      false,
    ]);
    expect([await store.silences.end('other', id, actor), await store.silences.list(MESH)]).toEqual([false, []]);
    expect(await store.silences.list(MESH, true)).toMatchObject([{ id, active: false, endedBy: 'tests' }]);
    const { items } = await store.audit.search({ mesh: MESH, limit: 10 });
    expect(
      items.filter(({ payload }) => payload.action.startsWith('silence')).map(({ payload }) => payload),
    ).toMatchObject([
      { action: 'silence-end', actor, reason: { silence: id } },
      { action: 'silence', message: 'we know', reason: { namespace: 'shop', matchers: ['alertname="r"'] } },
    ]);
    expect(await store.audit.verify()).toMatchObject({ ok: true });
  });

  it('what outlived its time goes, what waits stays', async () => {
    await store.alerts.commit(
      lease,
      turn({
        events: [{ state: 'firing', alert: alert('f') }],
        notifications: [{ receiver: 'r', groupKey: 'g', payload: {} }],
      }),
    );
    await database.rows(`UPDATE alert_event SET at = now() - interval '91 days'`);
    await database.rows(`UPDATE alert_notification SET created_at = now() - interval '91 days'`);
    await store.alerts.prune();
    expect((await store.alerts.history({ mesh: MESH, limit: 9 })).items).toEqual([]);
    expect(await store.alertOutbox.due()).toHaveLength(1);
  });
});

describe('what there is to be alarmed about', () => {
  let database: TestDatabase;
  let store: Store;

  beforeAll(async () => {
    database = await createTestDatabase();
    store = await openStore({ url: database.url, replica: 'a', delivers: true });
  });
  afterAll(async () => {
    await store?.close();
    await database?.drop();
  });

  const leaf = (name: string, notAfterMs: number, lifeMs = 86_400_000) => {
    const notAfter = Date.now() + notAfterMs;
    const spiffeId = 'spiffe://default.heddle.local/default/orders';
    return {
      serial: `${name}-${notAfter}`,
      mesh: MESH,
      spiffeId,
      instance: name,
      notBefore: notAfter - lifeMs,
      notAfter,
      issuer: 'i',
    };
  };
  const attachment = { replica: 'a', epoch: 'e', stream: 1 };

  it('proxies that were connected and are not, until an hour after they were dropped', async () => {
    for (const name of ['never', 'here', 'lost'])
      await store.instances.register(
        instance(name, { bind: { address: `10.0.1.${name.length}`, ports: { http: 1 } } }),
        actor,
      );
    for (const name of ['here', 'lost'])
      await store.instances.transition({ op: 'attach', ...at(name), attachment, envoyVersion: '1.40.0', features: [] });
    await store.instances.transition({ op: 'detach', ...at('lost'), attachment });
    const offline = async () =>
      (await store.alertSources.facts(MESH, 0)).offline.map(({ workload, instance: name }) => `${workload}/${name}`);
    expect(await offline()).toEqual(['orders/lost']);
    await store.authorities.recordIssued([leaf('lost', 1_000)]);
    await store.instances.transition({ op: 'remove', ...at('lost'), reason: DETACHED_TOO_LONG });
    expect(await offline()).toEqual(['orders/lost']);
    await database.rows(`UPDATE instance_event SET at = now() - interval '2 hours'`);
    expect(await offline()).toEqual([]);
  });

  it('certificates of connected proxies that have no newer one, up to the part of their life that a rule asks for', async () => {
    const rows = async (expiring: number) =>
      (await store.alertSources.facts(MESH, expiring)).certificates.map(({ instance: name, leftMs }) => [
        name,
        Math.round(leftMs / 3_600_000),
      ]);
    await store.authorities.recordIssued([leaf('here', 3_600_000), leaf('never', 3_600_000)]);
    expect(await rows(25)).toEqual([['here', 1]]);
    expect([await rows(4), await rows(0)]).toEqual([[], []]);
    await store.authorities.recordIssued([leaf('here', 64_800_000)]); // 18 of 24 hours: 75 %
    expect([await rows(50), await rows(74), await rows(80)]).toEqual([[], [], [['here', 18]]]);
  });

  it('authorities and the key of proxy tokens, but not the key that is replaced by itself', async () => {
    for (const purpose of ['server-root', 'token-signing', 'audit-signing'] as const)
      await store.authorities.ensure('', purpose, () =>
        Promise.resolve({
          ...{ id: purpose, mesh: '', purpose, certificatePem: 'pem', wrappedKey: Buffer.from('k'), active: true },
          notAfter: Date.now() + 3_600_000,
        }),
      );
    const { authorities } = await store.alertSources.facts(MESH, 0);
    expect(authorities.map(({ purpose, leftMs }) => [purpose, Math.round(leftMs / 3_600_000)])).toEqual([
      ['server-root', 1],
      ['token-signing', 1],
    ]);
  });

  it('what replicas see of their proxies, while they live and go on saying it', async () => {
    const seen = {
      mesh: MESH,
      refusing: [{ node: 'default/shop/web/web-1', type: 'CDS', name: 'x', message: 'a\0b' }],
      behind: [],
    };
    await store.alertSources.observe([seen]);
    const observed = async () => (await store.alertSources.facts(MESH, 0)).observations;
    expect(await observed()).toMatchObject([{ refusing: [{ message: 'a\uFFFDb' }] }]);
    await database.rows(`UPDATE alert_observation SET at = now() - interval '2 minutes'`);
    expect(await observed()).toEqual([]);
    await store.alertSources.observe([seen]);
    await store.alertSources.observe([]);
    expect(await observed()).toEqual([]);
  });

  it('replicas that ended without saying so', async () => {
    const killed = await openStore({ url: database.url, replica: 'killed', delivers: true });
    const stopped = await openStore({ url: database.url, replica: 'stopped', delivers: true });
    await Promise.all([killed.close(), stopped.close()]);
    await database.rows(`UPDATE replica SET seen_at = seen_at - 40000 WHERE replica IN ('killed', 'stopped')`);
    await database.rows(`UPDATE replica SET delivers = session WHERE replica = 'killed'`);
    expect(await store.alertSources.silentReplicas()).toMatchObject([{ replica: 'killed' }]);
  });
});
