/** What the REST API needs of the running control plane; the app wires it to `libs/runtime`. */
import type { ProxyStatus, ResourceId } from '#libs/model';

export interface ResourceCondition {
  readonly type: string;
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

export interface RuntimePort {
  proxies(mesh: string): Promise<readonly ProxyStatus[]>;
  /** Marks the instance as leaving and waits until all callers have ACKed its removal, at most `waitMs`. */
  deregister(mesh: string, namespace: string, name: string, waitMs: number): Promise<{ readonly acked: boolean }>;
  conditions(mesh: string, id: ResourceId): readonly ResourceCondition[];
  /** Waits until this replica has compiled and published the config revision. */
  published(mesh: string, revision: number): Promise<void>;
  readiness(): {
    readonly ready: boolean;
    readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly message: string }[];
  };
}
