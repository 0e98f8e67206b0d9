import { canonicalJson, err, ok, type Result } from '#libs/kernel';
import { type Manifest, printId, type ResourceId, resourceKey } from '#libs/model';
import type { StoreRefusal, WriteItem, WriteOutcome } from '#libs/store';
import type { Denial, ProposedWrite } from './authorize.js';
import { type CheckedDocument, checkDocuments, hostnameTaken } from './check.js';
import { identityViolations, toManifest } from './document.js';
import { type Existing, readExisting } from './existing.js';
import type {
  ChangeOutcome,
  ChangeRefusal,
  ChangesDeps,
  Deletion,
  ResourceViolation,
  ResourceWarning,
  WriteContext,
} from './types.js';

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

/** How often a write is looked at anew when what permitted it changed in between. */
const ATTEMPTS = 4;

/** Parse, compare, authorise, preview, then one write: the only way to the store for configuration. */
export async function applyDocuments(
  deps: ChangesDeps,
  context: WriteContext,
  proposal: Proposal,
): Promise<Result<ChangeOutcome, ChangeRefusal>> {
  const checked = check(deps, context.mesh, proposal);
  if (!checked.ok) return err({ code: 'invalid', violations: checked.error });
  for (let attempt = 1; ; attempt += 1) {
    const tried = await applyChecked(deps, context, checked.value, proposal);
    const raced = !tried.ok && tried.error.code === 'version-conflict' && !wasExpected(proposal, tried.error.resource);
    if (!raced || attempt >= ATTEMPTS) return tried;
  }
}

async function applyChecked(
  deps: ChangesDeps,
  context: WriteContext,
  checked: readonly CheckedDocument[],
  proposal: Proposal,
): Promise<Result<ChangeOutcome, ChangeRefusal>> {
  const ids = [...checked.map((c) => c.id), ...proposal.deletes];
  const existing = await readExisting(deps.store, context.mesh, ids);
  const verdict = await context.authorize(proposedWrites(checked, proposal.deletes, existing));
  if (verdict.denials.length > 0) return err(denied(verdict.denials));
  const warnings = collectWarnings(deps, context.mesh, checked, { deletes: proposal.deletes, existing });
  const items = writeItems(checked, proposal);
  const seen = verdict.decidedBy.map((id) => ({ ...idOf(id), version: existing.get(id)?.version ?? 0 }));
  const written = context.dryRun
    ? await rehearse(deps, items, existing)
    : await deps.store.resources.write({
        mesh: context.mesh,
        actor: context.actor,
        message: context.message,
        items,
        seen,
        idempotencyKey: context.idempotencyKey,
      });
  if (!written.ok) return err(refusal(written.error, checked, context));
  return ok({ ...written.value, warnings });
}

function proposedWrites(
  checked: readonly CheckedDocument[],
  deletes: readonly Deletion[],
  existing: Existing,
): ProposedWrite[] {
  const before = (id: ResourceId): Manifest | undefined => {
    const row = existing.get(id);
    return row && toManifest(row);
  };
  return [
    ...checked.map(({ id, parsed }) => ({ id, before: before(id), after: parsed.manifest })),
    ...deletes.map((id) => ({ id: idOf(id), before: before(id), after: undefined })),
  ];
}

/** What the caller may not see is not there, as far as he is concerned; unless he is refused something else anyway. */
function denied(denials: readonly Denial[]): ChangeRefusal {
  const shown = denials.filter(({ hidden }) => !hidden);
  const [first] = denials;
  if (shown.length > 0 || first === undefined) return { code: 'forbidden', denials: shown };
  return { code: 'not-found', resource: first.resource };
}

/** True if the sender himself said which version he expects. */
function wasExpected({ documents, deletes }: Proposal, resource: ResourceId): boolean {
  const stated = deletes.find((one) => resourceKey(one) === resourceKey(resource));
  return stated ? stated.ifVersion !== undefined : documents.some(({ ifVersion }) => ifVersion !== undefined);
}

function check(
  { registry }: ChangesDeps,
  mesh: string,
  { documents, deletes }: Proposal,
): Result<readonly CheckedDocument[], readonly ResourceViolation[]> {
  const checked = checkDocuments(
    registry,
    mesh,
    documents.map((d) => d.document),
  );
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

function collectWarnings(
  { preview }: ChangesDeps,
  mesh: string,
  checked: readonly CheckedDocument[],
  { deletes, existing }: { readonly deletes: readonly Deletion[]; readonly existing: Existing },
): ResourceWarning[] {
  const own = checked.flatMap(({ id, parsed }) =>
    parsed.warnings.map(({ path, code, message }) => ({ resource: id, path, code, message })),
  );
  const puts = checked.map(({ id, parsed }) => parsed.toDomain(existing.source(id)));
  const goes = deletes.filter((d) => existing.get(d) !== undefined);
  const seen = preview(
    mesh,
    puts,
    goes.map(({ kind, namespace, name }) => ({ kind, namespace, name })),
  );
  const others = seen.flatMap(({ resource, warnings }) =>
    warnings.map(({ path, code, message }) => ({ resource, path, code, message })),
  );
  return [...own, ...others];
}

/** What the store would answer, read without a lock: exact unless somebody writes meanwhile. */
async function rehearse(
  { store }: ChangesDeps,
  items: readonly WriteItem[],
  existing: Existing,
): Promise<Result<WriteOutcome, StoreRefusal>> {
  const outcome: WriteOutcome['items'][number][] = [];
  for (const item of items) {
    const id = item.op === 'delete' ? item : { kind: item.manifest.kind, ...item.manifest.metadata };
    const { kind, namespace, name } = id;
    const current = existing.get(id);
    const version = current?.version ?? 0;
    if (item.op === 'delete' && current === undefined) return err({ code: 'not-found', kind, namespace, name });
    if (item.ifVersion !== undefined && item.ifVersion !== version) {
      return err({ code: 'version-conflict', kind, namespace, name, current: version });
    }
    const op = item.op === 'delete' ? 'deleted' : operation(item.manifest, existing, id);
    outcome.push({ op, kind, namespace, name, version: op === 'created' || op === 'updated' ? version + 1 : version });
  }
  const { configRevision } = await store.identity();
  return ok({ change: '', revision: configRevision, items: outcome });
}

function operation(manifest: Manifest, existing: Existing, id: ResourceId): 'created' | 'updated' | 'unchanged' {
  const current = existing.get(id);
  if (current === undefined) return 'created';
  return canonicalJson(toManifest(current)) === canonicalJson(manifest) ? 'unchanged' : 'updated';
}

function refusal(refused: StoreRefusal, checked: readonly CheckedDocument[], { mayKnow }: WriteContext): ChangeRefusal {
  switch (refused.code) {
    case 'hostname-taken':
      return { code: 'invalid', violations: takenViolations(refused, checked, mayKnow?.(refused.namespace) ?? false) };
    case 'version-conflict':
      return { code: 'version-conflict', resource: idOf(refused), current: refused.current };
    case 'not-found':
      return { code: 'not-found', resource: idOf(refused) };
    case 'idempotency-mismatch':
      return { code: 'idempotency-mismatch', key: refused.key };
  }
}

const idOf = ({ kind, namespace, name }: ResourceId): ResourceId => ({ kind, namespace, name });

function takenViolations(
  { hostname, namespace, name }: Extract<StoreRefusal, { code: 'hostname-taken' }>,
  checked: readonly CheckedDocument[],
  named: boolean,
): ResourceViolation[] {
  const holder = named ? `${namespace}/${name}` : 'another service';
  return checked
    .filter(({ parsed }) => parsed.hostnames.includes(hostname))
    .map(({ id, index, parsed }) => {
      return { ...hostnameTaken(parsed, hostname, holder), resource: id, document: index };
    });
}
