/** From documents and deletions to writes: parsed, compared with one another and with the store, and allowed. */
import { canonicalJson, err, mapped, ok, type Result, type Steps } from '#libs/kernel';
import {
  type DomainValue,
  idOf,
  type Manifest,
  printId,
  type Registry,
  type ResourceId,
  resourceKey,
} from '#libs/model';
import type { SeenVersion, StoredResource, WriteItem } from '#libs/store';
import type { Denial } from './authorize.js';
import { type CheckedDocument, checkDocuments } from './check.js';
import { identityViolations, toManifest } from './document.js';
import { type Existing, readExisting } from './existing.js';
import { inTurns } from './turns.js';
import type { ChangesDeps, Deletion, IntendedWrite, ResourceViolation, WriteContext } from './types.js';

/** A document with what its sender expects of it. */
export interface ProposedDocument {
  readonly document: unknown;
  /** Set when the document was sent to the address of one resource. */
  readonly mustBe?: ResourceId;
  readonly ifVersion?: number | undefined;
}

export interface Proposal {
  readonly documents: readonly ProposedDocument[];
  readonly deletes: readonly Deletion[];
}

export interface Prepared {
  readonly mesh: string;
  readonly registry: Registry;
  readonly checked: readonly CheckedDocument[];
  readonly existing: Existing;
  readonly items: readonly WriteItem[];
  /** Whether the caller may be told of a resource there by name. */
  readonly mayKnow: (namespace: string) => boolean;
  /** What permitted the writes. */
  readonly seen: readonly SeenVersion[];
  /** Documents first, in their order. */
  readonly intended: readonly IntendedWrite[];
  /** What really changes. */
  readonly puts: readonly DomainValue[];
  readonly documents: readonly CheckedDocument[];
  readonly deletes: readonly ResourceId[];
}

export type Unprepared =
  | { readonly code: 'invalid'; readonly violations: readonly ResourceViolation[] }
  /** With those of which the caller must not learn: see `denied`. */
  | { readonly code: 'forbidden'; readonly denials: readonly Denial[] };

/** Documents between two turns of the event loop: a few milliseconds. */
const PIECE = 32;

export async function prepare(
  deps: ChangesDeps,
  context: Pick<WriteContext, 'mesh' | 'authorize' | 'mayKnow'>,
  proposal: Proposal,
): Promise<Result<Prepared, Unprepared>> {
  const { mesh } = context;
  const checked = await inTurns(check(deps, mesh, proposal));
  if (!checked.ok) return err({ code: 'invalid', violations: checked.error });
  const existing = await readExisting(deps.store, mesh, [...checked.value.map((c) => c.id), ...proposal.deletes]);
  const intended = await inTurns(intendedWrites(checked.value, proposal.deletes, existing));
  const verdict = await context.authorize(
    intended.map(({ before, after, ...write }) => ({ id: idOf(write), before, after })),
  );
  if (verdict.denials.length > 0) return err({ code: 'forbidden', denials: verdict.denials });
  const documents = checked.value.filter((_, i) => intended[i]?.op !== 'unchanged');
  return ok({
    mesh,
    registry: deps.registry,
    mayKnow: context.mayKnow ?? (() => false),
    checked: checked.value,
    existing,
    items: writeItems(checked.value, proposal),
    seen: verdict.decidedBy.map((id) => ({ ...idOf(id), version: existing.get(id)?.version ?? 0 })),
    intended,
    documents,
    puts: await inTurns(mapped(documents, ({ id, parsed }) => parsed.toDomain(existing.source(id)), PIECE)),
    deletes: proposal.deletes.filter((id) => existing.get(id) !== undefined).map(idOf),
  });
}

function* intendedWrites(
  checked: readonly CheckedDocument[],
  deletes: readonly Deletion[],
  existing: Existing,
): Steps<readonly IntendedWrite[]> {
  const manifestOf = (id: ResourceId): Manifest | undefined => {
    const row = existing.get(id);
    return row && toManifest(row);
  };
  const written = ({ id, parsed: { manifest } }: CheckedDocument): IntendedWrite => {
    return { ...id, op: operation(manifest, existing.get(id)), before: manifestOf(id), after: manifest };
  };
  return [
    ...(yield* mapped(checked, written, PIECE)),
    ...deletes.map((id): IntendedWrite => ({ ...idOf(id), op: 'delete', before: manifestOf(id), after: undefined })),
  ];
}

export function operation(manifest: Manifest, current: StoredResource | undefined): 'create' | 'update' | 'unchanged' {
  if (current === undefined) return 'create';
  return canonicalJson(toManifest(current)) === canonicalJson(manifest) ? 'unchanged' : 'update';
}

function* check(
  { registry }: ChangesDeps,
  mesh: string,
  { documents, deletes }: Proposal,
): Steps<Result<readonly CheckedDocument[], readonly ResourceViolation[]>> {
  const sent = documents.map(({ document }) => document);
  const checked = yield* checkDocuments(registry, mesh, sent, PIECE);
  if (!checked.ok) return checked;
  const moved = checked.value.flatMap(({ id, index, parsed }): ResourceViolation[] => {
    const meant = documents[index]?.mustBe;
    if (meant === undefined) return [];
    return identityViolations(parsed.manifest, meant).map((v) => ({ ...v, resource: id, document: index }));
  });
  const deleted = new Set(deletes.map(resourceKey));
  const both = checked.value
    .filter(({ id }) => deleted.has(resourceKey(id)))
    .map(({ id, index }): ResourceViolation => {
      const message = `${printId(id)} is written and deleted by the same request: keep one of the two`;
      return { resource: id, document: index, path: '/metadata/name', code: 'duplicate-resource', message };
    });
  const violations = [...moved, ...both];
  return violations.length > 0 ? err(violations) : checked;
}

function writeItems(checked: readonly CheckedDocument[], { documents, deletes }: Proposal): WriteItem[] {
  return [
    ...checked.map(({ index, parsed }): WriteItem => {
      const { manifest, hostnames } = parsed;
      return { op: 'put', manifest, hostnames, ifVersion: documents[index]?.ifVersion };
    }),
    ...deletes.map(({ kind, namespace, name, ifVersion }): WriteItem => {
      return { op: 'delete', kind, namespace, name, ifVersion };
    }),
  ];
}
