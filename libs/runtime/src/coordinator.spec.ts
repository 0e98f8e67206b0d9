import { describe, expect, it } from 'vitest';
import { MeshGraph } from '#libs/compiler';
import { type Clock, silentLog, silentMetrics } from '#libs/kernel';
import { createRegistry, type PolicyKind } from '#libs/model';
import { policies } from '#policies';
import { bigMesh, instanceRow, meshTimeout, serviceRow, serviceTimeout } from '../../testing/src/builders/index.js';
import { Coordinator } from './coordinator.js';
import type { Delta } from './ingest.js';
import { MeshHost } from './mesh-host.js';
import type { PublishedChange } from './published.js';

const registry = createRegistry(policies);

/** A replica whose event loop is turned by hand, and whose time passes by being looked at: a slice is a few looks. */
class Replica {
  readonly published: PublishedChange[] = [];
  /** Keys of what was set, by change. */
  readonly keys: string[][] = [];
  readonly views = new Set<string>();
  readonly coordinator: Coordinator;
  readonly graph: MeshGraph;
  /** Queries run by each slice. */
  slices: number[] = [];
  private readonly tasks: (() => void)[] = [];
  private readonly timers: (() => void)[] = [];
  private time = 0;

  constructor(kinds: readonly PolicyKind[] = policies) {
    this.graph = new MeshGraph({ mesh: 'default', policies: kinds });
    const clock: Clock = {
      now: () => this.time,
      monotonic: () => (this.time += 1),
      after: (_, task) => (this.timers.push(task), () => {}),
      every: () => () => {},
    };
    this.coordinator = new Coordinator({
      hostOf: (mesh) => new MeshHost(mesh, this.graph, registry, silentLog),
      publish: ({ set, views, removedViews }) => {
        this.keys.push(set.map(({ key }) => key));
        for (const { id } of views) this.views.add(id);
        for (const id of removedViews) this.views.delete(id);
      },
      published: (change) => this.published.push(change),
      clock,
      log: silentLog,
      metrics: silentMetrics,
      defer: (task) => this.tasks.push(task),
    });
  }

  /** One turn of the event loop. @returns false when nothing waits for one */
  turn(): boolean {
    const task = this.tasks.shift();
    const before = this.graph.counters.run;
    task?.();
    if (task) this.slices.push(this.graph.counters.run - before);
    return task !== undefined;
  }

  turns(count = Number.POSITIVE_INFINITY): void {
    for (let i = 0; i < count && this.turn(); i += 1);
  }

  fireTimers(): void {
    for (const task of this.timers.splice(0)) task();
  }

  load(services: number, instances?: number): void {
    this.coordinator.onEvent({ kind: 'snapshot', snapshot: bigMesh({ services, instances }) });
    this.turns();
    this.slices = [];
  }

  delta(fields: Partial<Delta>): void {
    const empty = { resources: [], instances: [], addresses: new Map<string, number>(), candidates: new Map() };
    const revisions = { configRevision: this.coordinator.configRevision, runtimeRevision: 1 };
    this.coordinator.onEvent({ kind: 'delta', ...empty, ...revisions, ...fields });
  }

  meshPolicy(configRevision: number, request: string): void {
    this.delta({ configRevision, resources: [{ op: 'put', resource: meshTimeout(request, configRevision) }] });
  }

  endpoint(index: number, routable: boolean, runtimeRevision = 2): void {
    this.delta({ runtimeRevision, instances: [{ op: 'put', instance: instanceRow(index, { routable }) }] });
  }

  /** Config revisions in the order of their publication. */
  get order(): number[] {
    return this.published.map(({ configRevision }) => configRevision);
  }

  get last(): readonly string[] {
    return this.keys.at(-1) ?? [];
  }
}

describe('a policy of the whole mesh at 5,000 services', () => {
  it('REL-43 is compiled in slices, and an endpoint change in its middle is published before it', () => {
    const replica = new Replica();
    replica.load(5_000, 100);
    const before = replica.published.length;
    replica.meshPolicy(2, '9s');
    replica.turns(100);
    expect(replica.coordinator.isCompiling).toBe(true);
    const runs = replica.graph.counters.run;
    const started = performance.now();
    replica.endpoint(7, false);
    const tookMs = performance.now() - started;
    expect(replica.graph.counters.run - runs).toBeLessThanOrEqual(3);
    expect(replica.last).toEqual(['default|endpoints|ns7/svc-7/8080']);
    expect([replica.coordinator.isCompiling, replica.order.slice(before)]).toEqual([true, [1]]);

    replica.turns();
    expect(replica.order.slice(before)).toEqual([1, 2]);
    expect(replica.last).toHaveLength(10_000);
    expect(replica.last).not.toContain('default|endpoints|ns7/svc-7/8080');
    expect(replica.slices.length).toBeGreaterThan(500);
    expect(Math.max(...replica.slices)).toBeLessThanOrEqual(40);
    process.stdout.write(`an endpoint change during a long pass took ${tookMs.toFixed(1)} ms\n`);
  }, 120_000);
});

describe('what arrives during a long pass', () => {
  const during = (act: (replica: Replica) => void): Replica => {
    const replica = new Replica();
    replica.load(200);
    replica.published.length = 0;
    replica.meshPolicy(2, '9s');
    replica.turns(10);
    act(replica);
    replica.turns();
    return replica;
  };

  it('waits for it if it is config, and makes one pass with all that waited', () => {
    const replica = during((it) => {
      it.delta({ configRevision: 3, resources: [{ op: 'put', resource: serviceTimeout(3, '1s', 3) }] });
      it.delta({ configRevision: 4, resources: [{ op: 'put', resource: serviceTimeout(4, '1s', 4) }] });
      expect(it.order).toEqual([]);
    });
    expect(replica.order).toEqual([2, 4]);
    expect(replica.last).toHaveLength(4);
  });

  it('is taken apart if it is both: instances go at once', () => {
    const replica = during((it) => {
      it.delta({
        configRevision: 3,
        runtimeRevision: 5,
        resources: [{ op: 'put', resource: serviceTimeout(3, '1s', 3) }],
        instances: [{ op: 'put', instance: instanceRow(3, { routable: false }) }],
      });
    });
    expect(replica.published.map((p) => [p.configRevision, p.runtimeRevision])).toEqual([
      [1, 5],
      [2, 5],
      [3, 5],
    ]);
  });

  it('waits if it is many instances, and later ones of them do not overtake it', () => {
    const replica = during((it) => {
      const instances = Array.from({ length: 300 }, (_, i) => instanceRow(i % 200, { routable: i < 200 }));
      it.delta({ runtimeRevision: 2, instances: instances.map((instance) => ({ op: 'put', instance })) });
      it.endpoint(7, true, 3);
      expect(it.published).toEqual([]);
    });
    expect(replica.order).toEqual([2, 2]);
    expect(replica.last).not.toContain('default|endpoints|ns7/svc-7/8080');
    expect(replica.last).toHaveLength(99);
  });

  it('takes its place if it is a snapshot, and nothing of it is published', () => {
    const replica = during((it) => {
      it.delta({ configRevision: 3, resources: [{ op: 'put', resource: serviceTimeout(3, '1s', 3) }] });
      const fresh = bigMesh({ services: 200 });
      it.coordinator.onEvent({ kind: 'snapshot', snapshot: { ...fresh, configRevision: 9 } });
    });
    expect(replica.order).toEqual([9]);
    expect(replica.last).toEqual([]);
  });

  it('may bring and take an instance that the long pass has not seen', () => {
    const replica = during((it) => {
      it.delta({ runtimeRevision: 2, instances: [{ op: 'put', instance: instanceRow(1_000) }] });
      expect(it.views).toContain('default|view|ns0/svc-1000-1');
      it.turns(5);
      it.delta({
        runtimeRevision: 3,
        instances: [{ op: 'delete', mesh: 'default', namespace: 'ns0', name: 'svc-1000-1' }],
      });
    });
    expect(replica.views.size).toBe(200);
    expect(replica.order).toEqual([1, 1, 2]);
  });

  it('settles when all is published, and a revision is reached when it is', async () => {
    const told: string[] = [];
    const replica = during((it) => {
      void it.coordinator.reached(2).then(() => told.push('2'));
      void it.coordinator.reached(3).then(() => told.push('3'));
      void it.coordinator.settled().then(() => told.push('settled'));
      it.delta({ configRevision: 3, resources: [{ op: 'put', resource: serviceRow(200, { services: 201 }) }] });
    });
    await replica.coordinator.settled();
    expect(told).toEqual(['2', '3', 'settled']);
  });
});

describe('a compilation that fails as a whole', () => {
  it('publishes nothing, and is tried again with what arrived since', () => {
    let isBroken = false;
    const misuse = (): void => {
      if (isBroken) replica.graph.conditions({ kind: 'Service', namespace: 'ns0', name: 'svc-0' });
    };
    const kinds = policies.map((kind) => ({
      ...kind,
      resolve: (...args: Parameters<PolicyKind['resolve']>) => {
        misuse();
        return kind.resolve(...args);
      },
    }));
    const replica = new Replica(kinds);
    replica.load(200);
    const before = replica.published.length;
    replica.meshPolicy(2, '9s');
    replica.turns(5);
    isBroken = true;
    replica.delta({ configRevision: 3, resources: [{ op: 'put', resource: serviceTimeout(3, '2s', 3) }] });
    replica.turns();
    expect([replica.coordinator.isCompiling, replica.order.slice(before)]).toEqual([false, []]);
    replica.fireTimers();
    replica.turns();
    expect(replica.order.slice(before)).toEqual([]);
    isBroken = false;
    replica.fireTimers();
    replica.turns();
    expect(replica.order.slice(before)).toEqual([3]);
    expect(replica.last).toHaveLength(400);
  });
});
