import type { Clock } from '#libs/kernel';
import { systemClock } from '#libs/kernel';
import type { InstanceSpec, Manifest } from '#libs/model';
import {
  type Actor,
  type FeedEvent,
  type Store,
  StoreUnavailable,
  type WriteItem,
  type WriteRequest,
} from '../ports.js';

/** Values for the tests of this library. */
export const actor: Actor = { name: 'tests', role: 'admin', ip: '127.0.0.1', requestId: 'r-1' };

export const manifest = (kind: string, name: string, spec: Record<string, unknown> = {}): Manifest => ({
  apiVersion: 'heddle.dev/v1alpha1',
  kind,
  metadata: { name, namespace: kind === 'Mesh' ? '' : 'default', labels: {}, annotations: {} },
  spec,
});

export const put = (
  kind: string,
  name: string,
  spec: Record<string, unknown> = {},
  more: Partial<WriteItem & { op: 'put' }> = {},
): WriteItem => ({ op: 'put', manifest: manifest(kind, name, spec), ...more });

export const request = (items: readonly WriteItem[], more: Partial<WriteRequest> = {}): WriteRequest => ({
  mesh: 'default',
  actor,
  message: 'a test',
  items,
  ...more,
});

export const instance = (name: string, more: Partial<InstanceSpec> = {}): InstanceSpec => ({
  mesh: 'default',
  namespace: 'default',
  workload: 'orders',
  name,
  labels: { workload: 'orders' },
  bind: { address: '10.0.0.1', ports: { http: 8080 } },
  app: { address: '127.0.0.1', ports: { http: 8080 } },
  advertised: '10.0.0.1',
  outbound: { address: '127.100.0.1', httpPort: 15001 },
  host: '10.0.0.1',
  locality: { region: '', zone: '' },
  ...more,
});

export const at = (name: string): { mesh: string; namespace: string; name: string } => ({
  mesh: 'default',
  namespace: 'default',
  name,
});

/**
 * Does what a client does that is told 503: asks again, with the same idempotency key where there is one. Writers that
 * wait for one another on a stalled machine may wait longer than REL-37 allows.
 */
export async function persistently<T>(attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** Writes until it is answered, however often the database is away meanwhile; the key makes that one change. */
export const writeKeyed = (
  store: Store,
  items: readonly WriteItem[],
  key: string,
): ReturnType<Store['resources']['write']> =>
  persistently(() => store.resources.write(request(items, { idempotencyKey: key })));

/** A clock whose repeated timers of the given length never fire: to switch a poll off. */
export const clockWithout = (everyMs: number): Clock => ({
  ...systemClock,
  every: (ms, task) => (ms === everyMs ? () => {} : systemClock.every(ms, task)),
});

/** Collects what a feed hands over. */
export class Recorder {
  readonly events: FeedEvent[] = [];
  readonly listen = (event: FeedEvent): void => {
    this.events.push(event);
  };

  /** Names of the resources put since the start, in order, the snapshot's too. */
  get puts(): string[] {
    return this.events.flatMap((event) =>
      event.kind === 'snapshot'
        ? event.snapshot.resources.map((r) => r.name)
        : event.resources.flatMap((r) => (r.op === 'put' ? [r.resource.name] : [])),
    );
  }

  get configRevisions(): number[] {
    return this.events.map((event) => (event.kind === 'snapshot' ? event.snapshot : event).configRevision);
  }
}

/** Waits until a fact holds. @throws after `ms` */
export async function until(fact: () => boolean | Promise<boolean>, ms = 10_000): Promise<void> {
  for (const deadline = performance.now() + ms; !(await fact()); ) {
    if (performance.now() > deadline) throw new Error(`did not become true within ${ms} ms: ${fact.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
