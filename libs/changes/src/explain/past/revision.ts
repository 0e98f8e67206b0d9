/** What a proxy would be sent of an older config revision. */
import type { MeshGraph } from '#libs/compiler';
import { err, ok, type Result } from '#libs/kernel';
import { Origins } from '../origins.js';
import { allProxies, findProxy } from '../proxies.js';
import { envoyResource, keyOf, type Placed, placedFor } from '../resources.js';
import type { ProxyQuery } from '../types.js';
import { readable } from './content.js';
import type { ExplainPastDeps, NamedResource, PastRefusal, ProxyOfRevision, Recompile } from './types.js';

type Query = ProxyQuery & { readonly revision: number; readonly resource?: NamedResource | undefined };

const nameOf = ({ type, name }: NamedResource): string => `${type} ${name}`;

export async function proxyOfRevision(
  { store }: ExplainPastDeps,
  { graph, recompile }: { readonly graph: MeshGraph; readonly recompile: Recompile },
  { mesh, namespace, name, revision, resource: asked }: Query,
): Promise<Result<ProxyOfRevision, PastRefusal>> {
  const floor = await store.history.floor();
  if (revision < floor) return err({ code: 'history-removed', floor });
  const { configRevision: head } = await store.identity();
  if (revision > head) return err({ code: 'unknown-revision', revision, head });
  const proxy = findProxy(graph, namespace, name);
  if (!proxy) return err({ code: 'unknown-proxy', proxies: allProxies(graph) });
  const then = await store.resources.asOf(mesh, revision);
  const compiled = await recompile(mesh, keyOf(proxy), then.resources);
  const [placed, present] = [placedFor(compiled.graph.ctx, proxy), placedFor(graph.ctx, proxy)];
  const now = new Map(present.map((one) => [nameOf(one), one]));
  const names = new Set(placed.map(nameOf));
  const added = present.filter((one) => !names.has(nameOf(one)));
  const origins = new Origins(store.history, mesh);
  origins.add(...[...placed, ...added].map(({ subject }) => subject), ...compiled.withheld);
  await origins.load();
  const described = (one: Placed) => ({
    ...envoyResource(origins, one),
    hash: one.content.version,
    now: compared(one, now.get(nameOf(one))),
  });
  const answer: ProxyOfRevision = {
    ...{ proxy, revision, head: then.head },
    resources: placed.map(described),
    added: added.map((one) => envoyResource(origins, one)),
    withheld: compiled.withheld.map((id) => origins.known(id)),
  };
  if (asked === undefined) return ok(answer);
  const one = placed.find((other) => nameOf(other) === nameOf(asked));
  if (!one) return err({ code: 'unknown-resource', resources: answer.resources });
  return ok({ ...answer, resource: { ...described(one), content: readable(one.type, one.content.bytes) } });
}

const compared = ({ content }: Placed, now: Placed | undefined): 'same' | 'other' | 'none' => {
  if (now === undefined) return 'none';
  return now.content.version === content.version ? 'same' : 'other';
};
