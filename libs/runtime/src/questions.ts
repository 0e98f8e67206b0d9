import type { LiveMesh } from '#libs/changes';
import type { Condition } from '#libs/compiler';
import type { ProxyStatus, ResourceId } from '#libs/model';
import type { Quarantine } from '#libs/store';
import type { RevisionProgress } from './progress/index.js';
import type { Runtime } from './runtime.js';
import { byNode, proxyStatus, rowNodeId } from './status.js';

/** Names both revisions: what was written, and what is served. */
export function quarantineMessage({ badRevision, useRevision, reason }: Quarantine): string {
  const served =
    useRevision === 0 ? 'no earlier revision can be used' : `revision ${useRevision} is served in its place`;
  return `revision ${badRevision} cannot be evaluated, and ${served}, until it is written again or released: ${reason}`;
}

/** What the rest of the control plane asks of the push path: status, progress, evaluation of changes, leaving. */
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

  progress(mesh: string, revision: number): (RevisionProgress & { readonly loaded: boolean }) | undefined {
    return this.runtime.progress.of(mesh, revision);
  }

  /** Told of the mesh whenever a delivery in it has moved. @returns stops that */
  onProgress(listener: (mesh: string) => void): () => void {
    return this.runtime.progress.onProgress((_, mesh) => listener(mesh));
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
    const quarantine = host.taken(id)?.quarantine;
    if (quarantine)
      return [{ type: 'Accepted', status: 'False', reason: 'Quarantined', message: quarantineMessage(quarantine) }];
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
      trialOf: (proxy) => (host.lanes.open?.members.has(proxy) ? host.lanes.open.id : undefined),
      isConnected(proxy) {
        const [namespace = '', instance = ''] = proxy.split('/');
        return (host.instance(namespace, instance)?.attached.length ?? 0) > 0;
      },
    };
  }
}
