import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { StagedView } from '#libs/changes';
import { Invariants } from './rig/check.js';
import { Rig } from './rig/rig.js';
import { until } from './rig/until.js';

const MESH = '/api/v1/meshes/default';
const policy = (request: string): unknown => ({
  apiVersion: 'heddle.dev/v1alpha1',
  kind: 'TimeoutPolicy',
  metadata: { name: 'tried', namespace: 'shop' },
  spec: { targetRef: { kind: 'Service', name: 'back' }, request },
});

describe('a change on trial, with two replicas over one Postgres, under load', () => {
  let rig: Rig;
  let invariants: Invariants;

  beforeAll(async () => {
    rig = await Rig.start({ backs: 2 });
    invariants = new Invariants(rig);
  });
  afterEach(() => invariants?.check());
  afterAll(() => rig?.stop());

  async function tryOut(request: string, trial: object): Promise<string> {
    const body = { manifests: [policy(request)], trial };
    const answer = await rig.request<{ change: string; staged?: string }>('POST', `${MESH}/apply`, body);
    return answer.staged ?? answer.change;
  }
  const look = (id: string): Promise<StagedView> => rig.request('GET', `${MESH}/staged/${id}`);
  const reaches = async (id: string, is: (view: StagedView) => boolean): Promise<StagedView> => {
    let view = await look(id);
    await until(`${id} gets on`, 60_000, async () => {
      view = await look(id);
      if (is(view)) return true;
      throw new Error(JSON.stringify(view));
    });
    return view;
  };
  const given = ({ seen }: StagedView): boolean => (seen?.acked ?? 0) > 0 && seen?.behind.length === 0;
  const streams = (index: number): Promise<number> => rig.metric(rig.replica(index), 'xds_streams');

  it('REL-11 its members, and the others, are sent nothing when they move to another replica', async () => {
    const id = await tryOut('11s', { canary: [50], observeSeconds: 3_600 });
    await reaches(id, given);
    const before = await rig.told();
    for (let move = 0; move < 4; move++) {
      const [to, other] = [rig.replica(move % 2), rig.replica(1 - (move % 2))];
      for (const member of rig.members) member.moveTo(to, other);
      await until('all streams have moved', 30_000, async () => (await streams(move % 2)) === rig.members.length);
    }
    expect(await rig.told()).toEqual(before);
    await rig.request('POST', `${MESH}/staged/${id}/revert`);
  });

  it('REL-13 goes on when the replica that is asked is killed, and ends as one revision', async () => {
    const id = await tryOut('12s', { canary: [50], observeSeconds: 2 });
    await reaches(id, given);
    await rig.replica(0).kill();
    const { change } = await reaches(id, ({ state }) => state === 'done');
    const { items } = await rig.request<{ items: { change: string }[] }>('GET', `${MESH}/history?limit=1`);
    expect(items[0]?.change).toBe(change);
    await rig.replica(0).start();
  });

  it('REL-13 that was to be confirmed is taken back once, when all replicas are killed at that time', async () => {
    const id = await tryOut('13s', { confirmWithinSeconds: 3 });
    await Promise.all(rig.replicas.map((replica) => replica.kill()));
    await rig.prober.more(400);
    await Promise.all(rig.replicas.map((replica) => replica.start()));
    await reaches(id, ({ state }) => state === 'reverted');
    const { items } = await rig.request<{ items: { message: string }[] }>('GET', `${MESH}/history?limit=20`);
    expect(items.filter(({ message }) => message.includes('nobody confirmed it'))).toHaveLength(1);
  });

  it('REL-14 an open one is no news for a replica that starts: its members keep what they have', async () => {
    const id = await tryOut('14s', { canary: [50], observeSeconds: 3_600 });
    await reaches(id, given);
    const before = await rig.told();
    for (const replica of rig.replicas) {
      await replica.kill();
      await replica.start();
    }
    await until('all are back', 60_000, async () => (await streams(0)) + (await streams(1)) === rig.members.length);
    await rig.prober.more(50);
    expect(await rig.told()).toEqual(before);
    await rig.request('POST', `${MESH}/staged/${id}/promote`);
    await reaches(id, ({ state, reason }) => state === 'watched' && reason.startsWith('observed for'));
  });
});
