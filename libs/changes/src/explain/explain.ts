import { err, ok, type Result } from '#libs/kernel';
import type { LiveMesh, LiveMeshes } from '../live.js';
import { explainGuards } from './guards.js';
import { type OriginStore, Origins } from './origins.js';
import { explainPolicy } from './policy.js';
import { allProxies, findProxy } from './proxies.js';
import { explainRequest } from './request.js';
import { envoyResource, explainResource, explainResources, placedFor } from './resources.js';
import type { Explain, ExplainRefusal, ProxyName, ProxyQuery, Revisions } from './types.js';

export interface ExplainDeps {
  readonly live: LiveMeshes;
  readonly history: OriginStore;
}

/** Makes what answers why things are as they are. */
export function createExplain({ live, history }: ExplainDeps): Explain {
  /** With everything compiled that was committed before the question. */
  const compiled = async (mesh: string): Promise<Result<LiveMesh, ExplainRefusal>> => {
    const found = await live(mesh, true);
    return found ? ok(found) : err({ code: 'not-compiled' });
  };

  async function about<T>(
    query: ProxyQuery,
    answer: (at: {
      readonly live: LiveMesh;
      readonly proxy: ProxyName;
      readonly origins: Origins;
    }) => Promise<Result<T, ExplainRefusal>>,
  ): Promise<Result<T & Revisions, ExplainRefusal>> {
    const found = await compiled(query.mesh);
    if (!found.ok) return found;
    const { graph } = found.value;
    // What is read from here until the first `await` of the answer is one state.
    const { configRevision: revision, runtimeRevision } = found.value;
    const proxy = findProxy(graph, query.namespace, query.name);
    if (!proxy) return err({ code: 'unknown-proxy', proxies: allProxies(graph) });
    const origins = new Origins(history, query.mesh);
    const answered = await answer({ live: found.value, proxy, origins });
    const trial = found.value.trialOf?.(`${proxy.namespace}/${proxy.instance}`);
    const said = { revision, runtimeRevision, ...(trial === undefined ? {} : { trial }) };
    return answered.ok ? ok({ ...said, ...answered.value }) : answered;
  }

  return {
    resources: (query) =>
      about(query, async ({ live: { graph }, proxy, origins }) =>
        ok(await explainResources(origins, proxy, placedFor(graph.ctx, proxy))),
      ),
    resource: (query) =>
      about(query, async ({ live: { graph }, proxy, origins }) => {
        const all = placedFor(graph.ctx, proxy);
        const placed = all.find(({ type, name }) => type === query.type && name === query.resource);
        if (placed) {
          const { mesh, full } = query;
          return ok(await explainResource({ graph, mesh, origins }, proxy, { placed, full }));
        }
        origins.add(...all.map(({ subject }) => subject));
        await origins.load();
        return err({ code: 'unknown-resource', resources: all.map((one) => envoyResource(origins, one)) });
      }),
    request: (query, request) =>
      about(query, async ({ live: { graph }, proxy, origins }) =>
        ok(await explainRequest({ graph, origins, proxy }, request)),
      ),
    async guards(mesh, service) {
      const found = await compiled(mesh);
      return found.ok ? ok(await explainGuards(found.value, service)) : found;
    },
    async policy(mesh, id) {
      const found = await compiled(mesh);
      if (!found.ok) return found;
      const explanation = await explainPolicy(found.value, new Origins(history, mesh), id);
      return explanation ? ok(explanation) : err({ code: 'unknown-policy' });
    },
  };
}
