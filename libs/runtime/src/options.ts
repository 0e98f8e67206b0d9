import type { Clock, Log, Metrics, RequestCounts, Tracer } from '#libs/kernel';
import type { PolicyKind, Registry } from '#libs/model';
import type { FeedEvent, Store } from '#libs/store';
import type { ReportMethod, SecretSource } from '#libs/xds';
import type { ProxyCredentials } from './gatekeeper.js';

/** Which tokens were revoked since they were verified (SEC-5). */
export interface Revocations {
  /** True if the token, or another of its family, is revoked. */
  isDenied(jti: string): boolean;
  /** Calls the listener whenever there are more of them. @returns removes the listener */
  onDenied(listener: () => void): () => void;
}

/** Where nobody reports. */
export const NO_COUNTS: RequestCounts = { of: () => [], heardOf: () => undefined };

/** What a replica's push path is made of. */
export interface RuntimeOptions {
  readonly store: Store;
  readonly registry: Registry;
  readonly policies: readonly PolicyKind[];
  readonly credentials: ProxyCredentials & Revocations;
  readonly secrets: SecretSource;
  /** What proxies report beside their ACKs. */
  readonly reports?: readonly ReportMethod[];
  /** Name of this replica, kept across restarts, and of this process's life. */
  readonly replica: string;
  readonly epoch: string;
  readonly xds: {
    readonly host: string;
    readonly port: number;
    readonly tls: { readonly keyPem: string; readonly certPem: string };
  };
  /** Told of every event of the feed, before it is compiled. */
  readonly onEvent?: ((event: FeedEvent) => void) | undefined;
  /** What sidecars have counted, where they report it. */
  readonly counts?: RequestCounts | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Default: one that keeps nothing. */
  readonly tracer?: Tracer | undefined;
}
