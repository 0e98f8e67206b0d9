/** Whose fault it is that something would not compile, and which field's. */
import { idOfValue, type MeshFork } from '#libs/compiler';
import { pointer } from '#libs/kernel';
import type { Registry, ResourceId } from '#libs/model';
import type { CheckedDocument } from '../check.js';
import { toDocumentOf } from '../document.js';
import type { Existing } from '../existing.js';
import type { LiveMesh } from '../live.js';
import type { ResourceViolation } from '../types.js';
import { forkOf, type Writes } from './evaluate.js';

export interface Proposed extends Writes {
  readonly mesh: string;
  readonly registry: Registry;
  readonly existing: Existing;
  readonly documents: readonly CheckedDocument[];
}

/** Violations for everything that compiles now and would not; none when all does. @param fork of the proposal */
export function compileFailures(live: LiveMesh, fork: MeshFork, proposed: Proposed): readonly ResourceViolation[] {
  const first = failureIn(fork, proposed);
  if (first === undefined) return [];
  const alone = proposed.documents.filter(({ id }) => failing(live, without(proposed, id)) === undefined);
  const culprits = alone.length > 0 ? alone : proposed.documents;
  return culprits.length > 0
    ? culprits.map((document) => blame(live, proposed, document, first))
    : [unblamed(proposed, first)];
}

const failing = (live: LiveMesh, proposed: Proposed): string | undefined => failureIn(forkOf(live, proposed), proposed);

/** Says what fails; undefined = everything compiles that does now. */
function failureIn(fork: MeshFork, writes: Writes & { readonly mesh: string }): string | undefined {
  const [failure] = fork.failures();
  if (failure) return `${failure.key.slice(writes.mesh.length + 1)} could not be compiled any more: ${failure.message}`;
  for (const value of writes.puts) {
    const broken = fork.conditions(idOfValue(writes.mesh, value)).find(({ reason }) => reason === 'CompileFailed');
    if (broken) return broken.message;
  }
  return undefined;
}

const isSame = (a: ResourceId, b: ResourceId): boolean =>
  a.kind === b.kind && a.namespace === b.namespace && a.name === b.name;

const without = (proposed: Proposed, id: ResourceId): Proposed => ({
  ...proposed,
  puts: proposed.puts.filter((value) => !isSame(idOfValue(proposed.mesh, value), id)),
});

function blame(live: LiveMesh, proposed: Proposed, document: CheckedDocument, message: string): ResourceViolation {
  const { id, index, parsed } = document;
  const path = guiltyPath(parsed.manifest.spec, (spec) => {
    const trial = proposed.registry.parse(toDocumentOf({ ...parsed.manifest, spec }), proposed.mesh);
    if (!trial.ok) return false;
    const rest = without(proposed, id);
    const value = trial.value.toDomain(proposed.existing.source(id));
    return failing(live, { ...rest, puts: [...rest.puts, value] }) === undefined;
  });
  return { resource: id, document: index, path: pointer('spec', ...path), code: 'does-not-compile', message };
}

type Spec = Readonly<Record<string, unknown>>;

/**
 * The innermost field or item without which the rest compiles: delta debugging, one at a time. Empty when no single one is
 * to blame.
 */
function guiltyPath(spec: Spec, heals: (spec: Spec) => boolean): readonly (string | number)[] {
  for (const [key, value] of Object.entries(spec)) {
    const deeper = inside(value, (other) => heals({ ...spec, [key]: other }));
    if (deeper.length > 0 || heals(omit(spec, key))) return [key, ...deeper];
  }
  return [];
}

function inside(value: unknown, heals: (value: unknown) => boolean): readonly (string | number)[] {
  if (!Array.isArray(value)) return typeof value === 'object' && value !== null ? guiltyPath(value as Spec, heals) : [];
  const items: readonly unknown[] = value;
  for (const [at, item] of items.entries()) {
    const deeper = inside(item, (other) => heals(items.with(at, other)));
    if (deeper.length > 0 || heals(items.toSpliced(at, 1))) return [at, ...deeper];
  }
  return [];
}

const omit = (spec: Spec, key: string): Spec =>
  Object.fromEntries(Object.entries(spec).filter(([name]) => name !== key));

/** Only deletions were asked for. */
function unblamed({ deletes }: Proposed, message: string): ResourceViolation {
  const [resource = { kind: '', namespace: '', name: '' }] = deletes;
  return { resource, document: undefined, path: '', code: 'does-not-compile', message };
}
