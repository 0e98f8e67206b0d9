import type { Result, Violation } from '#libs/kernel';
import type { AlertReceiver, AlertRule, ServiceLevelObjective } from './alerting.js';
import type { ExternalService, Mesh, ReferenceGrant, Role, RoleBinding, Route, Service, Source } from './domain.js';
import type { KindGroup } from './kind-groups.js';
import type { Manifest, ResourceId } from './manifest.js';
import type { Policy } from './policy.js';

/** A manifest's meaning, by kind. */
export type DomainValue =
  | { readonly type: 'Mesh'; readonly value: Mesh }
  | { readonly type: 'Service'; readonly value: Service }
  | { readonly type: 'ExternalService'; readonly value: ExternalService }
  | { readonly type: 'Route'; readonly value: Route }
  | { readonly type: 'ReferenceGrant'; readonly value: ReferenceGrant }
  | { readonly type: 'Policy'; readonly value: Policy }
  | { readonly type: 'ServiceLevelObjective'; readonly value: ServiceLevelObjective }
  | { readonly type: 'AlertRule'; readonly value: AlertRule }
  | { readonly type: 'AlertReceiver'; readonly value: AlertReceiver }
  | { readonly type: 'Role'; readonly value: Role }
  | { readonly type: 'RoleBinding'; readonly value: RoleBinding };

/** A manifest that passed every rule that can be checked without looking at other resources. */
export interface ParsedManifest {
  /** Normalised: defaults of metadata filled in, `status`, `uid` and `managedFields` dropped; spec as the user wrote it. */
  readonly manifest: Manifest;
  /** Host names that the resource claims in its mesh: unique by a constraint of the database. */
  readonly hostnames: readonly string[];
  /** What was ignored or is probably not meant; the document is accepted all the same. */
  readonly warnings: readonly Violation[];
  /** The meaning, once it is known where the resource comes from. */
  readonly toDomain: (source: Source) => DomainValue;
}

/** What is known of a kind: for REST routes, OpenAPI, the CLI's tables and the reference. */
export interface KindInfo {
  readonly kind: string;
  /** Lower-case, as in REST paths. */
  readonly plural: string;
  /** Singular and short forms that the CLI understands, lower-case. */
  readonly aliases: readonly string[];
  /** The one that is written back; `accepts` lists all that are read. */
  readonly apiVersion: string;
  readonly accepts: readonly string[];
  /** What it is about: what built-in roles permit follows from it. */
  readonly group: KindGroup;
  readonly scope: 'mesh' | 'namespace';
  readonly summary: string;
  /** JSON Schema (2020-12) of `spec`. */
  readonly specSchema: () => Record<string, unknown>;
}

export interface Registry {
  readonly kinds: readonly KindInfo[];
  /** By kind, plural or alias, in any case. */
  find(name: string): KindInfo | undefined;
  /**
   * Parses a document of any kind. Every violation is reported, not only the first.
   * @param mesh the mesh it is applied to: a label `heddle.dev/mesh` must agree with it
   */
  parse(document: unknown, mesh: string): Result<ParsedManifest, readonly Violation[]>;
}

/** What a reference names, for warnings and conditions. */
export interface Reference {
  /** JSON pointer of the reference in its manifest. */
  readonly path: string;
  readonly to: ResourceId;
  /** Port of the target that is meant; undefined = the whole of it. */
  readonly port: number | undefined;
  /** Subset of the target that is meant; absent = the whole of it. */
  readonly subset?: string;
}
