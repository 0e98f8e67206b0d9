/** What is known of a proxy, as the runtime finds it, REST carries it, and CLI and dashboard show it. */

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

/** `expires-soon`: 25 % of its life is left; `expires-very-soon`: 10 %. */
export type TokenState = 'ok' | 'expires-soon' | 'expires-very-soon' | 'expired';

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
  /** RFC 3339, as all times here; absent when it is not connected to the replica that answers. */
  readonly connectedSince?: string | undefined;
  /** Days left of its token, as of its newest stream; absent when it is not connected to the replica that answers. */
  readonly tokenDaysLeft?: number | undefined;
  readonly tokenState?: TokenState | undefined;
  /** End of the certificate that it has ACKed. */
  readonly certificateNotAfter?: string | undefined;
  readonly types: readonly TypeStatus[];
}
