/** A directory as the truth for what it owns: what bears its label and is not in it goes. */
import { err, ok, pointer, type Result } from '#libs/kernel';
import { printId, type Registry, resourceKey } from '#libs/model';
import type { Store } from '#libs/store';
import { claimedId } from '../document.js';
import type { Deletion, IntendedWrite, ResourceViolation } from '../types.js';

/** Whose a resource is; set on every document of a pruned directory. */
export const OWNER_LABEL = 'heddle.dev/owner';

type Documents = readonly unknown[];

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The documents with the owner's label; what is no manifest stays as it is, to be refused by its kind. */
export function owned(
  registry: Registry,
  documents: Documents,
  owner: string,
): Result<Documents, readonly ResourceViolation[]> {
  const violations: ResourceViolation[] = [];
  const labelled = documents.map((document, index) => {
    if (!isObject(document) || !isObject(document['metadata'])) return document;
    const { metadata } = document;
    const labels = metadata['labels'] ?? {};
    if (!isObject(labels)) return document;
    const other = labels[OWNER_LABEL];
    if (other !== undefined && other !== owner) {
      const message = `is "${String(other).slice(0, 63)}", and what is pruned belongs to "${owner}": make them equal`;
      const path = pointer('metadata', 'labels', OWNER_LABEL);
      violations.push({
        resource: claimedId(registry, document),
        document: index,
        path,
        code: 'owned-by-another',
        message,
      });
    }
    return { ...document, metadata: { ...metadata, labels: { ...labels, [OWNER_LABEL]: owner } } };
  });
  return violations.length > 0 ? err(violations) : ok(labelled);
}

/** What the owner has in the store and not among the documents. A mesh is never pruned: it holds more than one owner's. */
export async function orphans(
  { registry, store }: { readonly registry: Registry; readonly store: Pick<Store, 'resources'> },
  mesh: string,
  documents: Documents,
  owner: string,
): Promise<readonly Deletion[]> {
  const kept = new Set(documents.map((document) => resourceKey(claimedId(registry, document))));
  const rows = await store.resources.labelled(mesh, { [OWNER_LABEL]: owner });
  return rows
    .filter((row) => row.kind !== 'Mesh' && !kept.has(resourceKey(row)))
    .map(({ kind, namespace, name }) => ({ kind, namespace, name }));
}

/** Documents for what belongs to somebody else in the store: two owners would undo each other's work for ever. */
export const takenOver = (intended: readonly IntendedWrite[], owner: string): readonly ResourceViolation[] =>
  intended.flatMap((write, document): ResourceViolation[] => {
    const holder = write.before?.metadata.labels[OWNER_LABEL];
    if (write.op !== 'update' || holder === undefined || holder === owner) return [];
    const message = `${printId(write)} belongs to "${holder}": take it out there first, or change its label without --prune`;
    const { kind, namespace, name } = write;
    const path = pointer('metadata', 'labels', OWNER_LABEL);
    return [{ resource: { kind, namespace, name }, document, path, code: 'owned-by-another', message }];
  });
