import { get } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Invariants } from './rig/check.js';
import { HTTP_PORT } from './rig/member.js';
import { Rig } from './rig/rig.js';
import { until } from './rig/until.js';

const SHOP = '/api/v1/meshes/default/namespaces/shop';

describe('a stored policy that this build cannot read, as after an upgrade', () => {
  let rig: Rig;
  let invariants: Invariants;

  beforeAll(async () => {
    rig = await Rig.start();
    invariants = new Invariants(rig);
    await rig.request(
      'PUT',
      `${SHOP}/timeoutpolicies/slow`,
      policy('TimeoutPolicy', 'slow', 'back', { request: '10s' }),
    );
    await rig.request('PUT', `${SHOP}/authorizationpolicies/gate`, {
      ...policy('AuthorizationPolicy', 'gate', 'front', {}),
      spec: { targetRef: { kind: 'Service', name: 'front' }, action: 'DENY', rules: [{ to: [{ paths: ['/never'] }] }] },
    });
    await invariants.check();
  });
  afterAll(() => rig?.stop());

  const policy = (kind: string, name: string, target: string, spec: object) => ({
    apiVersion: 'heddle.dev/v1alpha1',
    kind,
    metadata: { name, namespace: 'shop' },
    spec: { targetRef: { kind: 'Service', name: target }, ...spec },
  });

  /** Replaces what is stored, and tells the feed, behind everybody's back. */
  const poison = (kind: string, name: string): Promise<unknown> =>
    rig.server.rows(`
      SET session_replication_role = replica;
      UPDATE stream SET revision = revision + 1 WHERE stream = 'config';
      UPDATE resource SET spec = (spec::jsonb || '{"later": true}')::json, updated_revision = (SELECT revision FROM stream WHERE stream = 'config')
        WHERE kind = '${kind}' AND name = '${name}';
      INSERT INTO change_log (stream, revision, position, op, uid, mesh, kind, namespace, name)
        SELECT 'config', updated_revision, 0, 'put', uid, mesh, kind, namespace, name FROM resource
        WHERE kind = '${kind}' AND name = '${name}'`);
  /** Status of a call to the service `front` through its own Envoy. */
  const callFront = (): Promise<number> =>
    new Promise((resolve) => {
      const options = {
        host: rig.member(0).sidecar.plan.outbound,
        port: 15_001,
        headers: { host: `front:${HTTP_PORT}` },
      };
      get({ ...options, path: '/', agent: false }, (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      }).on('error', () => resolve(0));
    });
  const saysSo = (name: string): Promise<number> =>
    until('both say so', 30_000, () =>
      rig.replicas.every((replica) => new RegExp(`${name}.*a stored resource no longer parses`).test(replica.log())),
    );

  /** Whoever writes into the database past Heddle is found out, and nothing else is wrong. */
  const onlyThePoisonIsWrong = (name: string): Promise<void> =>
    expect(invariants.check()).rejects.toThrow(
      new RegExp(
        `^invariants are broken:\\nI3: entry \\d+ of the audit chain: ${name} in force is not what was audited last$`,
      ),
    );

  const inQuarantine = (name: string): Promise<number> =>
    until('it is in quarantine everywhere', 30_000, async () => {
      const told = rig.replicas.every((replica) => new RegExp(`${name}.*is in quarantine`).test(replica.log()));
      const counts = await Promise.all(
        rig.replicas.map((replica) => rig.metric(replica, 'heddle_quarantined_resources{mesh="default"}')),
      );
      return told && counts.every((count) => count === 1);
    });
  interface Quarantine {
    readonly items: readonly { readonly kind: string; readonly badRevision: number; readonly useRevision: number }[];
  }
  const quarantine = async (): Promise<Quarantine['items']> =>
    (await rig.request<Quarantine>('GET', '/api/v1/meshes/default/quarantine')).items;

  it('REL-25 the last good revision is served, also by a replica that starts; the rest of the mesh is updated', async () => {
    await poison('TimeoutPolicy', 'slow');
    await inQuarantine('slow');
    const before = await rig.member(0).updates();
    await rig.prober.more(50);
    expect(await rig.member(0).updates()).toEqual(before);
    const rows = await quarantine();
    expect(rows.map(({ kind }) => kind)).toEqual(['TimeoutPolicy']);
    expect(rows[0]?.useRevision).toBeLessThan(rows[0]?.badRevision ?? 0);
    const told = await rig.told();
    for (const replica of rig.replicas) {
      await replica.kill();
      await replica.start();
      await rig.prober.more(20);
    }
    expect(await rig.told()).toEqual(told);
    await onlyThePoisonIsWrong('TimeoutPolicy shop/slow');
    await rig.request(
      'PUT',
      `${SHOP}/timeoutpolicies/slow`,
      policy('TimeoutPolicy', 'slow', 'back', { request: '9s' }),
    );
    expect(await quarantine()).toEqual([]);
  });

  it('REL-25 one that says who may call denies everybody as long as nobody has judged it', async () => {
    await until('calls pass', 30_000, async () => (await callFront()) === 200);
    // The job stands still: somebody else has its lease.
    const lease = (until: string): Promise<unknown> =>
      rig.server.rows(`INSERT INTO job_lease AS l VALUES ('quarantine', 'nobody', 1000, ${until})
        ON CONFLICT (name) DO UPDATE SET holder = 'nobody', fence = l.fence + 1, until = ${until}`);
    await lease(`'infinity'`);
    await poison('AuthorizationPolicy', 'gate');
    await saysSo('gate');
    await until('nobody gets in', 30_000, async () => (await callFront()) === 403);
    await lease('now()');
    await inQuarantine('gate');
    await until('calls pass again', 30_000, async () => (await callFront()) === 200);
    await rig.request('DELETE', `${SHOP}/authorizationpolicies/gate`);
    expect(await quarantine()).toEqual([]);
    await invariants.check();
  });
});
