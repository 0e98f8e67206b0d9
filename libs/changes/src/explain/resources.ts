/** A proxy's Envoy resources, and what one of them was made from. */
import { isOwn, type MeshGraph, placesOfResource, type SeenResource, seenBy, subjectOf } from '#libs/compiler';
import { shortType } from '#libs/envoy-api';
import type { Ctx } from '#libs/incremental';
import { compareCodeUnits } from '#libs/kernel';
import type { ResourceId } from '#libs/model';
import { fieldsAt, ownAt, ownField, policyField } from './fields.js';
import type { Origins } from './origins.js';
import { explained, fullTree, nameAll, shortTree } from './tree.js';
import type { EnvoyResource, ProxyName, ProxyResources, ResourceExplanation } from './types.js';

/** In the order in which Envoy is sent them. */
const TYPES = ['CDS', 'EDS', 'LDS', 'SRDS', 'RDS'];

/** A resource with the cell that makes it. */
export interface Placed {
  readonly type: string;
  readonly name: string;
  readonly subject: ResourceId;
  readonly content: SeenResource;
}

export const keyOf = ({ namespace, instance }: ProxyName): string => `${namespace}/${instance}`;

/** Everything that a proxy has, by type and name. */
export function placedFor(ctx: Ctx, proxy: ProxyName): readonly Placed[] {
  const placed = seenBy(ctx, keyOf(proxy)).map((content) => ({
    type: shortType(content.type),
    name: content.name,
    subject: isOwn(content.cell) ? proxyId(proxy) : subjectOf(ctx, content.cell),
    content,
  }));
  return placed.sort((a, b) => TYPES.indexOf(a.type) - TYPES.indexOf(b.type) || compareCodeUnits(a.name, b.name));
}

export const proxyId = ({ namespace, instance }: ProxyName): ResourceId => ({
  ...{ kind: 'Proxy', namespace, name: instance },
});

export const envoyResource = (origins: Origins, { type, name, subject }: Omit<Placed, 'content'>): EnvoyResource => ({
  ...{ type, name },
  about: origins.known(subject),
});

export async function explainResources(
  origins: Origins,
  proxy: ProxyName,
  placed: readonly Placed[],
): Promise<Omit<ProxyResources, 'revision' | 'runtimeRevision'>> {
  origins.add(...placed.map(({ subject }) => subject));
  await origins.load();
  return { proxy, resources: placed.map((one) => envoyResource(origins, one)) };
}

export async function explainResource(
  { graph, mesh, origins }: { readonly graph: MeshGraph; readonly mesh: string; readonly origins: Origins },
  proxy: ProxyName,
  { placed, full }: { readonly placed: Placed; readonly full: boolean },
): Promise<Omit<ResourceExplanation, 'revision' | 'runtimeRevision'>> {
  const { ctx } = graph;
  const { cell, version } = placed.content;
  const reads = graph.explain(`${mesh}|${cell}`);
  const tree = full ? fullTree(ctx, reads) : shortTree(ctx, reads);
  nameAll(origins, tree);
  const places = placesOfResource(ctx, cell);
  const fields = fieldsAt(ctx, origins, places);
  const own = ownAt(ctx, origins, places);
  origins.add(placed.subject);
  await origins.load();
  return {
    proxy,
    resource: { ...envoyResource(origins, placed), version },
    tree: explained(origins, tree),
    policies: fields.map((field) => policyField(origins, field)),
    own: own.map((field) => ownField(origins, field)),
  };
}
