/** Counters, not times: what is done between two looks at the clock does not grow with the mesh. */
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { Graph } from '#libs/incremental';
import { policies } from '#policies';
import { instance } from '../../../testing/src/builders/index.js';
import { StillMesh } from '../../testing/still-mesh.js';

const SERVICES = 1_000;
const all = Array.from({ length: SERVICES }, (_, i) => i);
const place = (i: number) => `team-${i % 20}`;
const apiVersion = 'heddle.dev/v1alpha1';

/** A service that calls the next one, ten in a chain, and all of them the first one. */
const service = (i: number, port = 8080) => ({
  ...{ apiVersion, kind: 'Service', metadata: { name: `s${i}`, namespace: place(i) } },
  spec: {
    ports: [{ port }],
    dependencies: [`${place(0)}/s0`, ...(i % 10 < 9 ? [`${place(i + 1)}/s${i + 1}`] : [])].slice(i === 0 ? 1 : 0),
  },
});
const meshWide = (request: string) => ({
  ...{ apiVersion, kind: 'TimeoutPolicy', metadata: { name: 'all', namespace: place(0) } },
  spec: { targetRef: { kind: 'Mesh', name: 'default' }, request, connect: request },
});

type Readers = 'input' | 'index' | 'read' | 'tryRead';
const READERS: readonly Readers[] = ['input', 'index', 'read', 'tryRead'];
type Fork = ReturnType<Graph['fork']>;
type ForkOf = (this: Graph, overrides: Parameters<Graph['fork']>[0]) => Fork;
const forkOf = Object.getOwnPropertyDescriptor(Graph.prototype, 'fork')?.value as ForkOf;

/** Counts what is done with the forks of a mesh between two looks at the clock: a look ends every slice. */
class CountedMesh extends StillMesh {
  /** Reads of a fork, and of the mesh that it was made of, by whoever compares and judges. */
  #reads = 0;
  /** Cells that forks have verified and run. */
  #work = 0;
  readonly #forks: Fork[] = [];
  readonly most = { reads: 0, work: 0 };
  looks = 0;

  watch(): void {
    const watched = (made: Fork): Fork => {
      this.#forks.push(made);
      for (const source of [made, made.before]) {
        for (const name of READERS) {
          const read = source[name].bind(source) as (kind: never, key: string) => never;
          Object.assign(source, {
            [name]: (kind: never, key: string) => {
              this.#reads += 1;
              return read(kind, key);
            },
          });
        }
      }
      return made;
    };
    vi.spyOn(Graph.prototype, 'fork').mockImplementation(function (this: Graph, overrides) {
      return watched(forkOf.call(this, overrides));
    });
    Object.assign(this.most, { reads: 0, work: 0 });
    this.looks = 0;
  }

  override slice() {
    return {
      exhausted: () => {
        const work = this.#forks.reduce((sum, { counters }) => sum + counters.verified + counters.run, 0);
        this.most.reads = Math.max(this.most.reads, this.#reads);
        this.most.work = Math.max(this.most.work, work - this.#work);
        this.#work = work;
        this.#reads = 0;
        this.looks += 1;
        return true;
      },
    };
  }
}

describe(`a plan at ${SERVICES} services with a proxy each`, () => {
  let mesh: CountedMesh;
  beforeAll(() => {
    mesh = new CountedMesh(policies);
    mesh.put(...all.map((i) => service(i)), meshWide('1s'));
    mesh.join(...all.map((i) => instance(`${place(i)}/s${i}-1`)));
  });
  afterEach(() => vi.restoreAllMocks());

  it.each([
    ['a policy of the whole mesh', () => [meshWide('2s')]],
    ['every service written', () => all.map((i) => service(i, 8081))],
  ])('%s is compared and judged in pieces that read a bounded part of the mesh', async (_, documents) => {
    mesh.watch();
    const { effect } = await mesh.plan({ documents: documents() });
    expect(effect.proxies).toMatchObject({ total: SERVICES, touched: SERVICES });
    expect(effect.envoy.items.length).toBeGreaterThanOrEqual(SERVICES);
    expect(mesh.looks).toBeGreaterThan(4 * SERVICES);
    expect(mesh.most.reads).toBeLessThanOrEqual(256);
    expect(mesh.most.work).toBeLessThanOrEqual(256);
  });
});
