import type { ProxyIdentity } from '#libs/kernel';

/** What a proxy token says, after verification. Everything that selects identity or policy comes from here (SEC-1). */
export interface ProxyClaims extends Omit<ProxyIdentity, 'instance'> {
  /** The one instance it is for, or a name prefix followed by `*`. */
  readonly instance: string;
  /** Labels the instance may claim; `workload` is always among them. */
  readonly labels: Readonly<Record<string, string>>;
  /** Addresses it may bind or advertise, as CIDR; empty = any that is not refused anyway. */
  readonly addresses: readonly string[];
  readonly jti: string;
  /** Milliseconds since the epoch. */
  readonly issuedAt: number;
  readonly expiresAt: number;
}

export const spiffeId = (trustDomain: string, namespace: string, workload: string): string =>
  `spiffe://${trustDomain}/${namespace}/${workload}`;

/** `<mesh>.heddle.local` */
export const defaultTrustDomain = (mesh: string): string => `${mesh}.heddle.local`;
