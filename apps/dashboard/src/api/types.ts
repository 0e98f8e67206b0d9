/**
 * Answers of the API: the server's types, so that the two cannot differ. By hand are those that libraries have for servers
 * only, beside the API's OpenAPI document.
 */
import type { JsonObject } from './json';

export type { ChangePage, HistoryItem as HistoryEntry, StagedView } from '#libs/api/views';
export type {
  Delivery,
  EnvoyChange,
  Finding,
  IntentChange,
  Plan,
  TouchedProxy,
} from '#libs/changes';
export type { FieldChange } from '#libs/diff';
export type { ProxyStatus, ResourceId } from '#libs/model';
export type { AuditVerdict } from '#libs/store';

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
