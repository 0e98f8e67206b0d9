import type { Ctx } from '#libs/incremental';
import { invariant } from '#libs/kernel';
import type { Mesh, ReferenceGrant } from '#libs/model';
import { GRANT, GRANTS_IN, MESH, ONCE, SETTINGS, type Settings } from './inputs.js';

export function settingsOf(ctx: Ctx): Settings {
  const settings = ctx.input(SETTINGS, ONCE);
  invariant(settings, 'a graph has settings from its start');
  return settings;
}

/** The mesh's own manifest, or its defaults: a mesh is STRICT until someone says otherwise. */
export function meshOf(ctx: Ctx): Mesh {
  const { mesh } = settingsOf(ctx);
  return ctx.input(MESH, ONCE) ?? { name: mesh, trustDomain: `${mesh}.heddle.local`, mtls: 'STRICT', scoping: 'All' };
}

/** One end of a reference across namespaces. */
export interface GrantEnd {
  readonly kind: string;
  readonly namespace: string;
  /** Not read at the start of the reference: grants name whole kinds there. */
  readonly name: string;
}

const grants = (grant: ReferenceGrant, from: GrantEnd, to: GrantEnd): boolean =>
  grant.from.some((f) => f.kind === from.kind && f.namespace === from.namespace) &&
  grant.to.some((t) => t.kind === to.kind && (t.name === undefined || t.name === to.name));

/** Whether a reference is permitted: always inside a namespace, else by a ReferenceGrant in the target's (SEC-48). */
export function mayRefer(ctx: Ctx, from: GrantEnd, to: GrantEnd): boolean {
  if (from.namespace === to.namespace) return true;
  return ctx.index(GRANTS_IN, to.namespace).some((key) => {
    const grant = ctx.input(GRANT, key);
    return grant !== undefined && grants(grant, from, to);
  });
}
