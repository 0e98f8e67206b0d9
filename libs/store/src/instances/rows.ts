import type { InstanceSpec } from '#libs/model';
import type { Attachment, InstanceRow } from '../ports.js';

/** A row of `instance` as Postgres returns it. */
export interface InstanceRecord {
  readonly uid: string;
  readonly spec: InstanceSpec;
  readonly features: readonly string[];
  readonly envoy_version: string;
  readonly attached: readonly Attachment[];
  readonly routable: boolean;
  readonly leaving: boolean;
  readonly leaving_at: number;
  readonly detached_at: number;
  readonly runtime_revision: number;
}

/** An instance with what only the store needs to know of it. */
export interface InstanceState extends InstanceRow {
  /** Milliseconds since the epoch by Postgres's clock when it was deregistered; 0 = it was not. */
  readonly leavingAt: number;
}

export const toInstanceState = (record: InstanceRecord): InstanceState => ({
  ...record.spec,
  uid: record.uid,
  features: record.features,
  envoyVersion: record.envoy_version,
  attached: record.attached,
  routable: record.routable,
  leaving: record.leaving,
  leavingAt: record.leaving_at,
  detachedAt: record.detached_at,
  runtimeRevision: record.runtime_revision,
});

export const toInstanceRow = ({ leavingAt: _, ...row }: InstanceState): InstanceRow => row;

export interface InstanceKey {
  readonly mesh: string;
  readonly namespace: string;
  readonly name: string;
}

export const instanceKey = (of: InstanceKey): string => `${of.mesh}/${of.namespace}/${of.name}`;
