/** What one proxy is sent, and what each resource of it is about. */
import type { Ctx } from '#libs/incremental';
import type { ResourceId } from '#libs/model';
import { destinationOf } from '../destinations.js';
import { LAYERS, RESOURCES } from '../layers.js';
import { destinationKey, splitCell } from '../names.js';
import { queryOf } from '../query-of.js';
import type { CompiledContent } from '../types.js';
import { VIEW } from '../views.js';

export interface SeenResource extends CompiledContent {
  /** The query that makes it, and that query's key: a `CompiledResource.key` without the mesh. */
  readonly cell: string;
}

/**
 * Resources of a registered instance's view, of one name the later layer's; what does not compile is left out, since nobody
 * is sent it. Whether the proxy is connected does not matter. @param instance `<namespace>/<name>`
 */
export function seenBy(ctx: Ctx, instance: string): readonly SeenResource[] {
  const view = ctx.tryGet(VIEW, instance);
  const seen = new Map<string, SeenResource>();
  for (const layer of view.ok ? view.value : []) {
    const { query, key } = queryOf(LAYERS, layer);
    const listed = ctx.tryGet(query, key);
    for (const cell of listed.ok ? listed.value : []) {
      const resource = contentOf(ctx, cell);
      if (resource) seen.set(`${resource.type} ${resource.name}`, { ...resource, cell });
    }
  }
  return [...seen.values()];
}

/** Undefined for what does not compile. */
function contentOf(ctx: Ctx, cell: string): CompiledContent | undefined {
  const { query, key } = queryOf(RESOURCES, cell);
  const outcome = ctx.tryGet(query, key);
  return outcome.ok ? outcome.value : undefined;
}

/** Queries whose resources are of an instance or workload, not of a destination. */
const OWN: ReadonlySet<string> = new Set(['outbound', 'inbound-listener', 'inbound-cluster', 'inbound-routes']);

/** Whether a resource is the proxy's own: its inbound side, and the outbound listener that is shared by all destinations. */
export const isOwn = (cell: string): boolean => OWN.has(splitCell(cell).query);

/**
 * What a resource is about: who may read that, may know of it. A Service or ExternalService, or the proxy; for inbound
 * routes, which all instances of a workload share, a proxy of the workload's name.
 */
export function subjectOf(ctx: Ctx, cell: string): ResourceId {
  const [namespace = '', rest = ''] = (cell.split('|').at(-1) ?? '').split('/');
  const [name = ''] = rest.split('@');
  if (isOwn(cell)) return { kind: 'Proxy', namespace, name };
  return { kind: destinationOf(ctx, destinationKey(namespace, name))?.kind ?? 'Service', namespace, name };
}
