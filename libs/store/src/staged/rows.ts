import type { Manifest } from '#libs/model';
import type { StagedChange, StagedItem, StagedState } from './staged.port.js';
import type { StagedOptions } from './staged-write.port.js';

/** A row of `staged_change` with its items, as `STAGED` selects it. */
export interface StagedRow {
  readonly number: number;
  readonly mesh: string;
  readonly state: StagedState;
  readonly options: StagedOptions;
  readonly actor: string;
  readonly role: string;
  readonly ip: string;
  readonly request_id: string;
  readonly message: string;
  readonly reverts: string | null;
  readonly wave: number;
  readonly members: readonly string[];
  readonly revision: number;
  readonly applied_revision: number | null;
  readonly reason: string;
  readonly created_at: Date;
  readonly step_at: Date;
  readonly step_age_ms: number;
  readonly confirm_left_ms: number | null;
  readonly items: readonly ItemRow[] | null;
}

/** `document` of `change_item`. */
interface ItemDocument {
  readonly manifest?: Manifest;
  readonly hostnames?: readonly string[];
  readonly ifVersion: number;
}

interface ItemRow {
  readonly op: 'put' | 'delete';
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly document: ItemDocument;
}

export const STAGED = `
SELECT s.*,
  (extract(epoch FROM clock_timestamp() - s.step_at) * 1000)::bigint AS step_age_ms,
  (extract(epoch FROM s.deadline - clock_timestamp()) * 1000)::bigint AS confirm_left_ms,
  (SELECT json_agg(json_build_object('op', i.op, 'kind', i.kind, 'namespace', i.namespace, 'name', i.name, 'document', i.document)
     ORDER BY i.kind, i.namespace, i.name) FROM change_item i WHERE i.change = 's-' || s.number) AS items
FROM staged_change s`;

const toItem = ({ op, kind, namespace, name, document }: ItemRow): StagedItem => {
  const id = { kind, namespace, name };
  const { manifest, hostnames = [], ifVersion } = document;
  if (op === 'delete') return { op, id, ifVersion };
  if (manifest === undefined) throw new Error(`${kind} ${namespace}/${name} is staged without its manifest`);
  return { op, id, manifest, hostnames, ifVersion };
};

export const documentOf = (item: StagedItem): ItemDocument =>
  item.op === 'delete'
    ? { ifVersion: item.ifVersion }
    : { manifest: item.manifest, hostnames: item.hostnames, ifVersion: item.ifVersion };

export const toStaged = (row: StagedRow): StagedChange => ({
  id: `s-${row.number}`,
  mesh: row.mesh,
  state: row.state,
  options: row.options,
  actor: { name: row.actor, role: row.role, ip: row.ip, requestId: row.request_id },
  message: row.message,
  reverts: row.reverts ?? undefined,
  items: (row.items ?? []).map(toItem),
  wave: row.wave,
  members: row.members,
  revision: row.revision,
  appliedRevision: row.applied_revision ?? undefined,
  reason: row.reason,
  createdAt: row.created_at.toISOString(),
  stepAt: row.step_at.toISOString(),
  stepAgeMs: row.step_age_ms,
  confirmLeftMs: row.state === 'watched' ? (row.confirm_left_ms ?? undefined) : undefined,
});

/** 0 for what is no such id. */
export const numberOf = (id: string): number => Number(/^s-(\d{1,15})$/.exec(id)?.[1] ?? 0);
