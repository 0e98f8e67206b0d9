/** What the REST API needs of the running control plane; the app wires it to `libs/runtime`. */
import type { ResourceId } from '#libs/model';

/** Delivery state of one xDS type at one proxy. */
export interface TypeStatus {
  /** `CDS`, `EDS`, ... */
  readonly type: string;
  readonly state: 'ACKED' | 'PENDING' | 'NACKED';
  readonly resources: number;
  /** Newest config revision of this type that the proxy has ACKed. */
  readonly ackedRevision: number;
  /** Milliseconds it has been behind; 0 = up to date. */
  readonly behindMs: number;
  /** What it refused, in Envoy's own words. */
  readonly refused: readonly { readonly name: string; readonly message: string }[];
}

export interface ProxyStatus {
  readonly mesh: string;
  readonly namespace: string;
  readonly workload: string;
  readonly instance: string;
  readonly connected: boolean;
  readonly routable: boolean;
  /** More than one live stream has this identity (REL-40). */
  readonly duplicate: boolean;
  readonly envoyVersion: string;
  readonly connectedSince: string | undefined;
  /** Days left of its token, as of its newest stream; undefined when it never connected to this replica. */
  readonly tokenDaysLeft: number | undefined;
  /** `ok`, `expires-soon` (25 % of its life left), `expires-very-soon` (10 %), `expired`. */
  readonly tokenState: string | undefined;
  readonly certificateNotAfter: string | undefined;
  readonly types: readonly TypeStatus[];
}

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
  /** Cuts the streams of a revoked token, on this replica at once and on others within 10 s (SEC-5). */
  revoke(jti: string): Promise<void>;
}
