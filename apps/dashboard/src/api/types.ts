/** Answers of the API that no library of ours has a type of without its server: kept by hand, beside its OpenAPI document. */
import type { Delivery, StagedView } from '#libs/changes';
import type { FieldChange } from '#libs/diff';
import type { ResourceId } from '#libs/model';
import type { HistoryEntry as Entry } from '#libs/store';
import type { JsonObject } from './json';

export type {
  Delivery,
  DeliveryState,
  EnvoyChange,
  Finding,
  IntentChange,
  Plan,
  StagedView,
  TouchedProxy,
} from '#libs/changes';
export type { FieldChange } from '#libs/diff';
export type { ProxyStatus, ResourceId } from '#libs/model';

export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: JsonObject;
}

export interface StoredManifest extends Manifest {
  readonly metadata: Manifest['metadata'] & {
    readonly version: number;
    readonly revision: number;
    readonly createdAt: string;
    readonly updatedAt: string;
  };
  readonly status: { readonly conditions: readonly Condition[] };
}

/** As the store has it, cut to what its reader may see. */
export interface HistoryEntry extends Entry {
  readonly hidden?: number;
  readonly delivery?: {
    readonly state: Delivery['state'];
    readonly acked: number;
    readonly total: number;
    readonly refused: number;
  };
}

export interface ChangedItem extends ResourceId {
  readonly op: 'create' | 'update' | 'delete';
  readonly fields: readonly FieldChange[];
  readonly manifest?: unknown;
}

export interface ChangePage {
  readonly change: string;
  readonly revision?: number;
  readonly at?: string;
  readonly actor?: string;
  readonly message?: string;
  readonly reverts?: string;
  readonly items: readonly ChangedItem[];
  readonly hidden?: number;
  readonly delivery?: Delivery & { readonly hidden?: number };
  readonly staged?: StagedView;
}

export interface Outcome {
  /** `c-<revision>`, or `s-<number>` when it is tried first. */
  readonly change: string;
  readonly revision: number;
  readonly warnings: readonly unknown[];
  readonly staged?: string;
}

/** A JSON Schema, as far as forms understand it. */
export interface Schema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
}

export interface OpenApi {
  readonly paths: Readonly<Record<string, unknown>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}
