/** Whose fault it is that something would not compile, and which field's. */
import { idOfValue, type MeshFork } from '#libs/compiler';
import { pointer, type Steps } from '#libs/kernel';
import type { Registry } from '#libs/model';
import type { CheckedDocument } from '../check.js';
import { toDocumentOf } from '../document.js';
import type { Existing } from '../existing.js';
import type { ResourceViolation } from '../types.js';
import type { Writes } from './evaluate.js';
import { type Guilty, Halving } from './halving.js';

export interface Proposed extends Writes {
  readonly mesh: string;
  readonly registry: Registry;
  readonly existing: Existing;
  readonly documents: readonly CheckedDocument[];
}

/** Forks that looking for the guilty may make, one after the other. What is not found now is found next time. */
const MAX_TRIALS = 300;

/** Violations for everything that compiles now and would not; none when all does. @param fork of the proposal */
export function* compileFailures(fork: MeshFork, proposed: Proposed): Steps<readonly ResourceViolation[]> {
  const first = yield* failureIn(fork, proposed);
  if (first === undefined) return [];
  const search = new Search(fork, proposed);
  const guilty = yield* search.guilty(proposed.documents);
  if (guilty.length === 0) return [unblamed(proposed, first)];
  const violations: ResourceViolation[] = [];
  for (const one of guilty) violations.push(yield* search.blame(one));
  return violations;
}

/** Looks for documents that do not compile together with those that do, and for their fields. */
class Search {
  readonly #halving: Halving<CheckedDocument>;

  constructor(
    private readonly fork: MeshFork,
    private readonly proposed: Proposed,
  ) {
    this.#halving = new Halving((documents) => this.#failing(documents), MAX_TRIALS);
  }

  guilty(documents: readonly CheckedDocument[]): Steps<readonly Guilty<CheckedDocument>[]> {
    return this.#halving.guilty(documents);
  }

  *blame({ item: document, message }: Guilty<CheckedDocument>): Steps<ResourceViolation> {
    const { id, index, parsed } = document;
    const path = yield* guiltyPath(parsed.manifest.spec, (spec) => this.#heals(document, spec));
    return { resource: id, document: index, path: pointer('spec', ...path), code: 'does-not-compile', message };
  }

  *#heals(document: CheckedDocument, spec: Spec): Steps<boolean> {
    const { registry, mesh } = this.proposed;
    const trial = registry.parse(toDocumentOf({ ...document.parsed.manifest, spec }), mesh);
    if (!trial.ok || this.#halving.exhausted) return false;
    return (yield* this.#halving.try([{ ...document, parsed: trial.value }])) === undefined;
  }

  *#failing(documents: readonly CheckedDocument[]): Steps<string | undefined> {
    const { existing, mesh, deletes } = this.proposed;
    const puts = documents.map(({ id, parsed }) => parsed.toDomain(existing.source(id)));
    const trial = this.fork.sibling({ puts, deletes, addresses: this.fork.writes.addresses });
    return yield* failureIn(yield* trial.computed(), { mesh, puts, deletes });
  }
}

/** Says what fails; undefined = everything compiles that does now. */
function* failureIn(fork: MeshFork, writes: Writes & { readonly mesh: string }): Steps<string | undefined> {
  const [failure] = fork.failures();
  if (failure) return `${failure.key.slice(writes.mesh.length + 1)} could not be compiled any more: ${failure.message}`;
  for (const value of writes.puts) {
    const broken = fork.conditions(idOfValue(writes.mesh, value)).find(({ reason }) => reason === 'CompileFailed');
    if (broken) return broken.message;
    yield;
  }
  return undefined;
}

type Spec = Readonly<Record<string, unknown>>;

/**
 * The innermost field or item without which the rest compiles: delta debugging, one at a time. Empty when no single one is
 * to blame.
 */
function* guiltyPath(spec: Spec, heals: (spec: Spec) => Steps<boolean>): Steps<readonly (string | number)[]> {
  for (const [key, value] of Object.entries(spec)) {
    const deeper = yield* inside(value, (other) => heals({ ...spec, [key]: other }));
    if (deeper.length > 0 || (yield* heals(omit(spec, key)))) return [key, ...deeper];
  }
  return [];
}

function* inside(value: unknown, heals: (value: unknown) => Steps<boolean>): Steps<readonly (string | number)[]> {
  if (!Array.isArray(value)) {
    return typeof value === 'object' && value !== null ? yield* guiltyPath(value as Spec, heals) : [];
  }
  const items: readonly unknown[] = value;
  for (const [at, item] of items.entries()) {
    const deeper = yield* inside(item, (other) => heals(items.with(at, other)));
    if (deeper.length > 0 || (yield* heals(items.toSpliced(at, 1)))) return [at, ...deeper];
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
