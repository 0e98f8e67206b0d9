/** What the compiler hands out: plain data, in the shape that an xDS engine publishes, though it knows none. */
import type { Violation } from '#libs/kernel';
import type { DomainValue, ResourceId } from '#libs/model';

/** An encoded resource. `key` is unique in the mesh; `requires` names what must be active in Envoy before it. */
export interface CompiledResource {
  readonly key: string;
  readonly type: string;
  readonly name: string;
  /** Content hash of `bytes`. */
  readonly version: string;
  readonly bytes: Uint8Array;
  readonly requires: readonly { readonly type: string; readonly name: string }[];
}

/** What one pass changed. Layer and view ids and resource keys are unique in the process (they begin with the mesh). */
export interface CompiledChange {
  readonly set: readonly CompiledResource[];
  readonly removed: readonly string[];
  readonly layers: readonly { readonly id: string; readonly keys: readonly string[] }[];
  readonly removedLayers: readonly string[];
  readonly views: readonly { readonly id: string; readonly layers: readonly string[] }[];
  readonly removedViews: readonly string[];
  /** Resources whose query failed: they are withheld, streams keep what they hold. */
  readonly failures: readonly { readonly key: string; readonly message: string }[];
}

/** A condition of a stored resource, with Gateway API type names and reasons. */
export interface Condition {
  readonly type: 'Accepted' | 'ResolvedRefs' | 'Effective';
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
  /** The same as violations with paths into the manifest, for warnings in answers. */
  readonly details: readonly Violation[];
}

/** The content of a resource, and what must be active before it. */
export type CompiledContent = Omit<CompiledResource, 'key'>;

/** A resource that a fork adds, changes or removes. */
export interface ResourceDiff {
  /** As published: begins with the mesh. */
  readonly key: string;
  /** The same without the mesh. */
  readonly cell: string;
  readonly type: string;
  readonly name: string;
  /** Of the service, workload or instance that it is for. */
  readonly namespace: string;
  /** Undefined where no proxy has it, or it does not compile. */
  readonly before: CompiledContent | undefined;
  readonly after: CompiledContent | undefined;
}

/** A resource, or list of resources, that compiles now and would not in the fork. */
export interface ForkFailure {
  readonly key: string;
  readonly message: string;
}

/** Writes that a fork supposes. */
export interface Writes {
  readonly puts: readonly DomainValue[];
  readonly deletes: readonly ResourceId[];
  /** Numbers of services that have none yet, by `<namespace>/<name>`. */
  readonly addresses?: ReadonlyMap<string, number> | undefined;
}
