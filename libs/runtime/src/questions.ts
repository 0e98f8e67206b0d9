import type { LiveMesh } from '#libs/changes';
import type { Condition } from '#libs/compiler';
import type { Violation } from '#libs/kernel';
import { type DomainValue, printId, type ResourceId, resourceKey } from '#libs/model';
import type { RevisionProgress } from './progress.js';
import type { Runtime } from './runtime.js';
import { byNode, type ProxyStatus, proxyStatus, rowNodeId } from './status.js';

/** What the rest of the control plane asks of the push path: status, progress, previews, leaving. */
export class RuntimeQuestions {
  constructor(private readonly runtime: Runtime) {}

  proxies(mesh: string): readonly ProxyStatus[] {
    const host = this.runtime.coordinator.hosts.get(mesh);
    if (!host) return [];
    const streams = byNode(this.runtime.server.streams());
    const context = {
      now: this.runtime.options.clock.now(),
      revisionOf: (change: number) => this.runtime.revisionOf(change),
    };
    return [...host.instances]
      .map((row) => proxyStatus(row, streams.get(rowNodeId(row)) ?? [], context))
      .sort((a, b) => (`${a.namespace}/${a.instance}` < `${b.namespace}/${b.instance}` ? -1 : 1));
  }

  progress(mesh: string, revision: number): RevisionProgress | undefined {
    return this.runtime.progress.of(mesh, revision);
  }

  /** Leaving well: out of every endpoint list first; the caller ends the sidecar after this. */
  async deregister(
    id: { readonly mesh: string; readonly namespace: string; readonly name: string },
    waitMs: number,
  ): Promise<{ readonly acked: boolean }> {
    const { store } = this.runtime.options;
    const row = await store.instances.get(id.mesh, id.namespace, id.name);
    if (!row) return { acked: true };
    await store.instances.transition({ op: 'leave', ...id });
    await store.feed.poke();
    return { acked: await this.runtime.progress.settled(this.runtime.latestChange, waitMs) };
  }

  conditions(mesh: string, id: ResourceId): readonly Pick<Condition, 'type' | 'status' | 'reason' | 'message'>[] {
    const host = this.runtime.coordinator.hosts.get(mesh);
    if (!host) return [];
    const broken = host.unparsable(id);
    if (broken) return [{ type: 'Accepted', status: 'False', reason: 'Unparsable', message: broken.message }];
    return host.graph.conditions(id);
  }

  /** A mesh as changes are evaluated beside it; of one that does not exist yet an empty one. */
  async live(mesh: string, fresh: boolean): Promise<LiveMesh | undefined> {
    const { coordinator, options } = this.runtime;
    if (fresh) await options.store.feed.poke();
    if (fresh) await coordinator.settled();
    if (!coordinator.loaded) return undefined;
    const host = coordinator.hostOrEmpty(mesh);
    return {
      graph: host.graph,
      get configRevision() {
        return coordinator.configRevision;
      },
      get runtimeRevision() {
        return coordinator.runtimeRevision;
      },
      slice: () => coordinator.slice(),
      usersOf: (id) => host.usersOf(id),
    };
  }

  /** Warnings of proposed writes, evaluated on a fork of the live graph: nothing is changed. */
  preview(mesh: string, puts: readonly DomainValue[], deletes: readonly ResourceId[]): readonly Warnings[] {
    const host = this.runtime.coordinator.hostOrEmpty(mesh);
    const fork = host.graph.fork({ puts, deletes });
    const ofPuts = puts.map((value) => {
      const resource = idOf(value, mesh);
      return {
        resource,
        warnings: fork
          .conditions(resource)
          .filter((one) => one.status === 'False')
          .flatMap(asWarnings),
      };
    });
    const gone = new Set(deletes.map(resourceKey));
    const ofDeletes = deletes.map((resource) => ({
      resource,
      warnings: host
        .usersOf(resource)
        .filter((user) => !gone.has(resourceKey(user)))
        .map(stillUsed),
    }));
    return [...ofPuts, ...ofDeletes].filter(({ warnings }) => warnings.length > 0);
  }
}

export interface Warnings {
  readonly resource: ResourceId;
  readonly warnings: readonly Violation[];
}

function idOf(value: DomainValue, mesh: string): ResourceId {
  if (value.type === 'Mesh') return { kind: 'Mesh', namespace: '', name: mesh };
  const { kind, namespace, name } = value.value.source;
  return { kind, namespace, name };
}

function asWarnings(condition: Condition): readonly Violation[] {
  if (condition.details.length > 0)
    return condition.details.map((detail) => ({ ...detail, severity: 'warning' as const }));
  return [{ path: '', code: condition.reason, message: condition.message, severity: 'warning' }];
}

const stillUsed = (user: ResourceId): Violation => ({
  path: '',
  code: 'still-referenced',
  message: `${printId(user)} still refers to it: what it sends there gets 500 until that is changed`,
  severity: 'warning',
});
