import { describe, expect, it } from 'vitest';
import { policies } from '#policies';
import { instance } from '../../../testing/src/builders/index.js';
import { StillMesh } from '../../testing/still-mesh.js';

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

  it('is begun anew when the mesh changes meanwhile, and is made at once when that goes on', async () => {
    const busy: BusyMesh = new BusyMesh((turn) => {
      if (turn <= 3) setImmediate(() => busy.join(instance(`shop/s2-${turn}`)));
    });
    const { proxies } = await planOf(busy);
    expect(proxies.total).toBe(4);
    expect(proxies.touched).toBe(proxies.total);
  });
});
