import { describe, expect, it } from 'vitest';
import { policies } from '#policies';
import { instance } from '../../../testing/src/builders/index.js';
import { StillMesh } from '../../testing/still-mesh.js';
import { beside } from './beside.js';

const service = (name: string) => ({
  apiVersion: 'heddle.dev/v1alpha1',
  kind: 'Service',
  metadata: { name, namespace: 'shop' },
  spec: { ports: [{ port: 8080 }] },
});
const timeout = (request: string) => ({
  apiVersion: 'heddle.dev/v1alpha1',
  kind: 'TimeoutPolicy',
  metadata: { name: 'all', namespace: 'shop' },
  spec: { request },
});

/** A mesh whose turns of the event loop are over after three looks at the clock. */
class BusyMesh extends StillMesh {
  turns = 0;
  constructor(private readonly meanwhile: (turn: number) => void) {
    super(policies);
    this.put(...Array.from({ length: 40 }, (_, i) => service(`s${i}`)));
    this.join(instance('shop/s1-1'));
  }

  override slice() {
    this.turns += 1;
    this.meanwhile(this.turns);
    let looks = 0;
    return {
      grain: 1,
      exhausted: () => {
        looks += 1;
        return looks > 3;
      },
    };
  }
}

const planOf = async (mesh: StillMesh) => (await mesh.plan({ documents: [timeout('2s')] })).effect;

describe('a plan of much', () => {
  it('is made in slices, and says what one made at once says', async () => {
    const busy = new BusyMesh(() => undefined);
    const { cost: _, ...effect } = await planOf(busy);
    expect(busy.turns).toBeGreaterThan(5);
    const idle = new BusyMesh(() => undefined);
    idle.slice = () => ({ grain: 1, exhausted: () => false });
    const { cost: _cost, ...expected } = await planOf(idle);
    expect(effect).toEqual(expected);
    expect(effect.envoy.changed).toBe(40);
  });

  it('is about the mesh as it was when it was begun, however often that changes meanwhile', async () => {
    const busy: BusyMesh = new BusyMesh((turn) => void setImmediate(() => busy.join(instance(`shop/s2-${turn}`))));
    const { cost: _, ...effect } = await planOf(busy);
    expect(busy.graph.instances.length).toBeGreaterThan(5);
    const { cost: _cost, ...expected } = await planOf(new BusyMesh(() => undefined));
    expect(effect).toEqual(expected);
    expect(effect.proxies).toMatchObject({ total: 1, touched: 1 });
  });

  it('keeps sweeps from what it reads, and lets them go on afterwards, also when it fails', async () => {
    const mesh = new BusyMesh(() => undefined);
    const sweep = (): boolean => mesh.graph.sweepSlice({ exhausted: () => false });
    const failed = beside(mesh, { puts: [], deletes: [] }, function* () {
      yield;
      throw new Error(`swept: ${sweep()}`);
    });
    await expect(failed).rejects.toThrow('swept: false');
    expect(sweep()).toBe(true);
  });
});
