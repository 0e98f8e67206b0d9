import { MeshGraph } from '#libs/compiler';
import { silentLog, silentMetrics, systemClock } from '#libs/kernel';
import { createRegistry } from '#libs/model';
import { Coordinator, MeshHost } from '#libs/runtime';
import type { FeedEvent } from '#libs/store';
import { Denied, XdsServer } from '#libs/xds';
import { policies } from '#policies';

/** What one event cost. */
export interface Cost {
  /** From the event to the end of its publication. */
  readonly ms: number;
  /** CPU time of the main thread, as the two below: on a busy machine time by the clock says little. */
  readonly cpuMs: number;
  /** The longest that nobody else had a turn of the event loop. */
  readonly longestMs: number;
  /** The same without what libs/xds took to take publications over. */
  readonly longestOwnMs: number;
  /** The longest that libs/xds took for that. */
  readonly publishMs: number;
  /** Query functions that ran. */
  readonly run: number;
  readonly changed: number;
}

type Delta = Extract<FeedEvent, { kind: 'delta' }>;

/** The push path of a replica without Postgres and without clients: rows in, a filled catalog of the xDS engine out. */
export class ScaleReplica {
  readonly graph = new MeshGraph({ mesh: 'default', policies });
  readonly coordinator: Coordinator;
  publishMs = 0;
  changed = 0;
  /** In libs/xds, in this turn of the event loop. */
  #publishing = 0;
  readonly #server = new XdsServer({
    gatekeeper: {
      authenticate: () => Promise.reject(new Denied('UNAUTHENTICATED', 'nobody is served here')),
      admit: () => Promise.reject(new Denied('UNAUTHENTICATED', 'nobody is served here')),
    },
    clock: systemClock,
    log: silentLog,
    metrics: silentMetrics,
  });

  /** @param catalog false leaves libs/xds empty: what the rest costs alone */
  constructor(catalog = true) {
    const registry = createRegistry(policies);
    const log = {
      ...silentLog,
      error: (message: string, fields?: object) => {
        throw new Error(`${message} ${JSON.stringify(fields)}`);
      },
    };
    this.coordinator = new Coordinator({
      hostOf: (mesh) => new MeshHost(mesh, this.graph, registry, log),
      publish: (publication) => {
        const started = threadMs();
        if (catalog) this.#server.publish(publication);
        const took = threadMs() - started;
        this.#publishing += took;
        this.publishMs = Math.max(this.publishMs, took);
        this.changed += publication.set.length;
      },
      published: () => {},
      clock: systemClock,
      log,
      metrics: silentMetrics,
    });
  }

  async measure(event: FeedEvent, during: () => void = () => {}): Promise<Cost> {
    const { run } = this.graph.counters;
    this.publishMs = 0;
    this.changed = 0;
    const lag = watchLoop(() => {
      const took = this.#publishing;
      this.#publishing = 0;
      return took;
    });
    const cpu = threadMs();
    const started = performance.now();
    this.coordinator.onEvent(event);
    during();
    await this.coordinator.settled();
    const ms = performance.now() - started;
    const cpuMs = threadMs() - cpu;
    const { longestMs, longestOwnMs } = await lag();
    return {
      ms,
      cpuMs,
      longestMs,
      longestOwnMs,
      publishMs: this.publishMs,
      run: this.graph.counters.run - run,
      changed: this.changed,
    };
  }

  delta(fields: Partial<Delta>): Delta {
    const empty = { resources: [], instances: [], addresses: new Map<string, number>(), candidates: new Map() };
    return {
      kind: 'delta',
      configRevision: this.coordinator.configRevision + 1,
      runtimeRevision: 2,
      ...empty,
      ...fields,
    };
  }
}

/** CPU time of the main thread so far. */
export const threadMs = (): number => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
};

/** @returns a function that stops watching and tells the most CPU time between two turns of the event loop */
export function watchLoop(takeForeign: () => number): () => Promise<Pick<Cost, 'longestMs' | 'longestOwnMs'>> {
  let longestMs = 0;
  let longestOwnMs = 0;
  let cpu = threadMs();
  let clock = performance.now();
  let isOn = true;
  const look = (): void => {
    // CPU time comes in ticks of some ms, and time by the clock counts others' work too: the smaller is nearer.
    const turn = Math.min(threadMs() - cpu, performance.now() - clock);
    longestMs = Math.max(longestMs, turn);
    longestOwnMs = Math.max(longestOwnMs, turn - Math.min(turn, takeForeign()));
    cpu = threadMs();
    clock = performance.now();
    if (isOn) setImmediate(look);
  };
  setImmediate(look);
  return async () => {
    await new Promise((resolve) => setImmediate(resolve));
    isOn = false;
    look();
    return { longestMs, longestOwnMs };
  };
}
