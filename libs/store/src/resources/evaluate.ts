import { randomUUID } from 'node:crypto';
import { canonicalJson, sortedBy } from '#libs/kernel';
import { type Manifest, type ResourceId, resourceKey } from '#libs/model';
import type { StoreRefusal, WriteItem, WriteOutcome } from '../ports.js';
import { type ResourceRow, toManifest } from './rows.js';

/** What one item of a request does to the row it names. */
export interface Step {
  readonly op: 'created' | 'updated' | 'deleted' | 'unchanged';
  readonly uid: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** After the write; of a deleted resource the one it had. */
  readonly version: number;
  readonly before: Manifest | undefined;
  readonly after: Manifest | undefined;
  /** Host names it claims from now on. */
  readonly hostnames: readonly string[];
}

export type Evaluation =
  | { readonly ok: true; readonly steps: readonly Step[] }
  | { readonly ok: false; readonly refusal: StoreRefusal };

export const idOf = (item: WriteItem): ResourceId =>
  item.op === 'delete'
    ? { kind: item.kind, namespace: item.namespace, name: item.name }
    : { kind: item.manifest.kind, namespace: item.manifest.metadata.namespace, name: item.manifest.metadata.name };

/** What makes two versions of a resource the same: everything the user wrote, key order aside. */
const content = (manifest: Manifest): string =>
  canonicalJson([manifest.apiVersion, manifest.metadata.labels, manifest.metadata.annotations, manifest.spec]);

// What is stored and audited is exactly these members, whatever else the caller's object carries.
const stored = (manifest: Manifest): Manifest => ({
  apiVersion: manifest.apiVersion,
  kind: manifest.kind,
  metadata: {
    name: manifest.metadata.name,
    namespace: manifest.metadata.namespace,
    labels: manifest.metadata.labels,
    annotations: manifest.metadata.annotations,
  },
  spec: manifest.spec,
});

function putStep(item: WriteItem & { op: 'put' }, id: ResourceId, row: ResourceRow | undefined): Step {
  const after = stored(item.manifest);
  const hostnames = [...new Set((item.hostnames ?? []).map((hostname) => hostname.toLowerCase()))];
  if (row === undefined)
    return { op: 'created', uid: randomUUID(), ...id, version: 1, before: undefined, after, hostnames };
  const before = toManifest(row);
  const same = content(before) === content(after);
  return {
    op: same ? 'unchanged' : 'updated',
    uid: row.uid,
    ...id,
    version: row.version + (same ? 0 : 1),
    before,
    after,
    hostnames,
  };
}

function step(item: WriteItem, row: ResourceRow | undefined): Step | StoreRefusal {
  const id = idOf(item);
  const current = row?.version ?? 0;
  if (item.op === 'delete' && row === undefined) return { code: 'not-found', ...id };
  if (item.ifVersion !== undefined && item.ifVersion !== current) return { code: 'version-conflict', ...id, current };
  if (item.op === 'put') return putStep(item, id, row);
  const before = row === undefined ? undefined : toManifest(row);
  return { op: 'deleted', uid: row?.uid ?? '', ...id, version: current, before, after: undefined, hostnames: [] };
}

/**
 * Decides what a request does to the rows it names, which the caller holds locked. Pure but for new uids.
 * `ifVersion` 0 means that the resource must not exist.
 * @throws when two items name the same resource: the order in which they should apply is unknown
 */
export function evaluate(items: readonly WriteItem[], rows: readonly ResourceRow[]): Evaluation {
  const current = new Map(rows.map((row) => [resourceKey(row), row]));
  const steps = new Map<string, Step>();
  for (const item of items) {
    const key = resourceKey(idOf(item));
    if (steps.has(key)) throw new Error(`a request names ${key} twice`);
    const next = step(item, current.get(key));
    if ('code' in next) return { ok: false, refusal: next };
    steps.set(key, next);
  }
  return { ok: true, steps: [...steps.values()] };
}

/** The steps that change something, in a stable order. */
export const changesOf = (steps: readonly Step[]): readonly Step[] =>
  sortedBy(
    steps.filter((s) => s.op !== 'unchanged'),
    resourceKey,
  );

export const outcomeItems = (steps: readonly Step[]): WriteOutcome['items'] =>
  steps.map(({ op, kind, namespace, name, version }) => ({ op, kind, namespace, name, version }));
