/** What is meant: stored resources before and after, field by field. */

import { diffFields, type FieldChange } from '#libs/diff';
import { valueHash } from '#libs/kernel';
import { type DomainValue, type Manifest, readStored } from '#libs/model';
import { toDocumentOf } from '../document.js';
import type { Prepared } from '../prepare.js';
import type { IntendedWrite } from '../types.js';
import type { IntentChange } from './types.js';

export const intentOf = (prepared: Prepared): readonly IntentChange[] =>
  prepared.intended.map((write, i) => ({
    ...{ op: write.op, kind: write.kind, namespace: write.namespace, name: write.name },
    version: prepared.existing.get(write)?.version ?? 0,
    ...described(write),
    ...labelsOf(write),
    ...(meansTheSame(prepared, write, i) ? { sameMeaning: true as const } : {}),
  }));

const labelsOf = ({ before, after }: IntendedWrite): Pick<IntentChange, 'labels'> =>
  before && after ? { labels: [before.metadata.labels, after.metadata.labels] } : {};

/** What came, went or changed between two manifests; undefined where there is none. */
export function described({
  before,
  after,
}: {
  readonly before: Manifest | undefined;
  readonly after: Manifest | undefined;
}): Pick<IntentChange, 'fields' | 'manifest'> {
  if (before && after) return { fields: manifestDiff(before, after) };
  const only = after ?? before;
  return only ? { fields: [], manifest: toDocumentOf(only) } : { fields: [] };
}

const manifestDiff = (before: Manifest, after: Manifest): readonly FieldChange[] =>
  diffFields(toDocumentOf(before), toDocumentOf(after));

function meansTheSame({ checked, existing, mesh, registry }: Prepared, write: IntendedWrite, index: number): boolean {
  const row = existing.get(write);
  if (write.op !== 'update' || row === undefined) return false;
  const source = existing.source(write);
  const before = readStored(registry, mesh, { ...row, ...source, updatedRevision: source.revision });
  const after = checked[index]?.parsed;
  return before.ok && after !== undefined && content(before.value) === content(after.toDomain(source));
}

const content = ({ type, value }: DomainValue): string => valueHash({ type, value });
