import { featuresOf } from '#libs/compiler';
import type { ProxyClaims } from '#libs/identity';
import type { ProxyIdentity, Result } from '#libs/kernel';
import { nodeId } from '#libs/kernel';
import { Denied, type Gatekeeper, type NodeInfo, type Principal } from '#libs/xds';
import type { Attachments } from './attachments.js';
import type { Coordinator } from './coordinator.js';
import { beFresh, type FreshnessOptions } from './freshness.js';

/** What the gatekeeper needs of `libs/identity`: offline verification, so that reconnects work while Postgres is away. */
export interface ProxyCredentials {
  verifyProxyToken(token: string): Promise<Result<ProxyClaims, string>>;
  /** The instance that `node.id` selects inside the credential's scope (SEC-1). */
  admitNode(claims: ProxyClaims, node: string): Result<ProxyIdentity, string>;
}

const BEARER = /^Bearer ([\w.-]+)$/;

/** Who may open a stream and which view they get: by the verified token alone (contracts of identity, SEC-1 to SEC-4). */
export class TokenGatekeeper implements Gatekeeper {
  constructor(
    private readonly credentials: ProxyCredentials,
    private readonly coordinator: Coordinator,
    private readonly attachments: Attachments,
    private readonly freshness: FreshnessOptions,
  ) {}

  async authenticate(metadata: ReadonlyMap<string, string>): Promise<Principal> {
    const token = BEARER.exec(metadata.get('authorization') ?? '')?.[1];
    if (!token) throw new Denied('UNAUTHENTICATED', 'a proxy token is required: authorization: Bearer <token>');
    const verified = await this.credentials.verifyProxyToken(token);
    if (!verified.ok) throw new Denied('UNAUTHENTICATED', verified.error);
    const claims = verified.value;
    const id = `${claims.mesh}/${claims.namespace}/${claims.workload}/${claims.instance}`;
    return { id, expiresAt: claims.expiresAt, shared: claims.instance.endsWith('*'), claims };
  }

  async admit(principal: Principal, node: NodeInfo): Promise<string> {
    const identity = this.credentials.admitNode(claimsOf(principal), node.id);
    if (!identity.ok) throw new Denied('PERMISSION_DENIED', identity.error);
    await beFresh(this.freshness);
    await this.learnFeatures(identity.value, node.userAgentVersion);
    return viewFor(this.coordinator, identity.value);
  }

  /**
   * Features select encodings and are persisted, so that plans are the same for offline proxies. A first stream, or one
   * after an upgrade, waits until its features are compiled; when Postgres is away it is served as it was known.
   */
  private async learnFeatures(identity: ProxyIdentity, version: string): Promise<void> {
    const row = this.coordinator.hosts.get(identity.mesh)?.instance(identity.namespace, identity.instance);
    if (row && row.envoyVersion !== version) await this.attachments.learn(identity, version, featuresOf(version));
  }
}

export const claimsOf = (principal: Principal): ProxyClaims => principal.claims as ProxyClaims;

/** The view of a registered instance; a proxy that is not registered is held on a view that nobody publishes. */
export function viewFor(coordinator: Coordinator, identity: ProxyIdentity): string {
  const view = coordinator.hosts.get(identity.mesh)?.graph.viewOf(identity.namespace, identity.instance);
  return view ?? `unregistered|${nodeId(identity)}`;
}
