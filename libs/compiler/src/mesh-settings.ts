import type { Ctx } from '#libs/incremental';
import { invariant, sortedUnique } from '#libs/kernel';
import { isReferenceAllowed, type Mesh, type ResourceId } from '#libs/model';
import { GRANT, GRANTS_IN, MESH, ONCE, SETTINGS, type Settings } from './inputs.js';

export function settingsOf(ctx: Ctx): Settings {
  const settings = ctx.input(SETTINGS, ONCE);
  invariant(settings, 'a graph has settings from its start');
  return settings;
}

/** The mesh's own manifest, or its defaults: a mesh is STRICT until someone says otherwise. */
export function meshOf(ctx: Ctx): Mesh {
  const { mesh } = settingsOf(ctx);
  const trustDomain = `${mesh}.heddle.local`;
  return ctx.input(MESH, ONCE) ?? { name: mesh, trustDomain, trustDomainAliases: [], mtls: 'STRICT', scoping: 'All' };
}

/** Trust domains under which identities of the mesh count, in an order in which they may change places without a change of bytes. */
export const trustDomainsOf = ({ trustDomain, trustDomainAliases }: Mesh): readonly string[] =>
  sortedUnique([trustDomain, ...trustDomainAliases]);

/** Whether a reference is permitted: always inside a namespace, else by a ReferenceGrant in the target's (SEC-48). */
export function mayRefer(ctx: Ctx, from: Pick<ResourceId, 'kind' | 'namespace'>, to: ResourceId): boolean {
  if (from.namespace === to.namespace) return true;
  const grants = ctx.index(GRANTS_IN, to.namespace).flatMap((key) => ctx.input(GRANT, key) ?? []);
  return isReferenceAllowed(from, to, grants);
}
