import { z } from 'zod';
import { isDnsLabel, isDnsSubdomain } from '#libs/kernel';
import type { Resources } from '#libs/store';
import { notFound } from './problem.js';

/** @throws ProblemError 404 unless the mesh exists: what is not there and what one may not see look alike (SEC-34). */
export async function requireMesh(resources: Resources, mesh: string): Promise<void> {
  const known = isDnsLabel(mesh) && (await resources.get(mesh, 'Mesh', '', mesh)) !== undefined;
  if (!known) throw noSuchMesh(mesh);
}

/** The same, unless one of the manifests is the mesh's own: it may come into being by the request that fills it. */
export async function requireMeshOr(resources: Resources, mesh: string, manifests: readonly unknown[]): Promise<void> {
  if (!manifests.some((manifest) => isMesh(manifest, mesh))) await requireMesh(resources, mesh);
}

const mentions = z.object({ kind: z.literal('Mesh'), metadata: z.object({ name: z.string() }) });

function isMesh(document: unknown, mesh: string): boolean {
  const parsed = mentions.safeParse(document);
  return parsed.success && parsed.data.metadata.name === mesh;
}

/** What cannot be a name is not repeated: it may be of any length and hold anything (SEC-38). */
export const noSuchMesh = (mesh = '') =>
  isDnsLabel(mesh)
    ? notFound(`there is no mesh ${mesh}: PUT /api/v1/meshes/${mesh}, or apply a manifest of kind Mesh with this name`)
    : notFound('there is no such mesh: a mesh name is 1 to 63 lower-case letters, digits and inner hyphens');

/** Names come from the address; only what can be a name goes to the store (SEC-38). @throws ProblemError 404 */
export function requireNamespace(namespace: string): void {
  if (!isDnsLabel(namespace)) throw notFound('a namespace is 1 to 63 lower-case letters, digits and inner hyphens');
}

/** @throws ProblemError 404 */
export function requireName(name: string): void {
  if (!isDnsSubdomain(name)) throw notFound('a name is lower-case letters, digits, inner hyphens and dots');
}
