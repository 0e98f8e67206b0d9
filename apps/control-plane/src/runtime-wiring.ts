import { randomUUID } from 'node:crypto';
import type { ProxyWatch } from '#libs/alerts';
import type { RuntimePort } from '#libs/api';
import type { Evidence, LiveMeshes, LocalDelivery, Recompile } from '#libs/changes';
import { shortType } from '#libs/envoy-api';
import { admitNode, type MeshIdentity } from '#libs/identity';
import type { Clock, Log, Metrics, RequestCounts, Tracer } from '#libs/kernel';
import { err, parseNodeId } from '#libs/kernel';
import type { PolicyKind, Registry } from '#libs/model';
import {
  claimsOf,
  type ProxyCredentials,
  type Revocations,
  Runtime,
  RuntimeQuestions,
  recompiler,
} from '#libs/runtime';
import type { FeedEvent, StagedChange, Store } from '#libs/store';
import type { ReportSink } from '#libs/telemetry';
import { Denied, type SecretSource } from '#libs/xds';
import { wireMetrics } from './metrics-wiring.js';

export interface RuntimeDeps {
  readonly store: Store;
  readonly registry: Registry;
  readonly policies: readonly PolicyKind[];
  readonly identity: MeshIdentity;
  readonly replica: string;
  readonly xds: {
    readonly host: string;
    readonly port: number;
    readonly tls: { readonly keyPem: string; readonly certPem: string };
  };
  /** Told of every event of the feed, before it is compiled. */
  readonly onEvent?: ((event: FeedEvent) => void) | undefined;
  /** Takes what sidecars report, as it came. */
  readonly collect?: ReportSink | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly tracer?: Tracer | undefined;
}

export interface WiredRuntime {
  readonly port: RuntimePort;
  /** Meshes as changes are evaluated beside them. */
  readonly live: LiveMeshes;
  /** What this replica sees of a staged change. */
  readonly evidence: (change: StagedChange) => Evidence;
  /** What the sidecars that report to this replica have counted. */
  readonly requestCounts: RequestCounts;
  /** What the proxies of this replica refuse, and who is behind. */
  readonly watch: ProxyWatch;
  /** How far changes have come at the proxies of this replica. */
  readonly delivery: LocalDelivery;
  /** Compiles older configuration for one proxy; undefined: not here. */
  readonly recompile: Recompile | undefined;
  readonly xdsPort: number;
  /** Trust domain of a mesh, as its Mesh resource says. */
  readonly trustDomain: (mesh: string) => string;
  readonly trustDomainAliases: (mesh: string) => readonly string[];
  /** Gives the xDS server a renewed certificate; streams go on. */
  readonly replaceTls: (tls: { readonly keyPem: string; readonly certPem: string }) => void;
  stop(graceMs?: number): Promise<void>;
}

/** Puts the push path together and starts it: the state is loaded and the xDS port is open when this resolves. */
export async function wireRuntime(deps: RuntimeDeps): Promise<WiredRuntime> {
  const { identity, collect: _, ...rest } = deps;
  const metrics = wireMetrics(deps);
  const runtime = new Runtime({
    ...rest,
    reports: metrics.reports,
    counts: metrics.counts,
    // Streams of expired tokens are ended by the same clock that judges tokens.
    clock: identity.clock,
    epoch: randomUUID(),
    credentials: credentials(identity),
    secrets: secretSource(identity, identity.clock),
  });
  // A root that was prepared reaches every proxy before anything is signed under it (SEC-25).
  const stopWatching = identity.authority.onTrustChanged((mesh) =>
    runtime.server.secretsChanged((principal) => claimsOf(principal).mesh === mesh),
  );
  const xdsPort = await runtime.start();
  const questions = new RuntimeQuestions(runtime);
  return {
    port: runtimePort(runtime, questions, deps),
    live: (mesh, fresh) => questions.live(mesh, fresh),
    evidence: (change) => runtime.staged.evidence(change),
    requestCounts: metrics.counts,
    watch: proxyWatch(runtime),
    delivery: {
      replica: deps.replica,
      of: (mesh, revision) => questions.progress(mesh, revision),
      onProgress: (listener) => questions.onProgress(listener),
    },
    recompile: recompiler(runtime),
    xdsPort,
    trustDomain: (mesh) => runtime.coordinator.host(mesh).trustDomain,
    trustDomainAliases: (mesh) => runtime.coordinator.host(mesh).trustDomainAliases,
    replaceTls: (tls) => runtime.server.replaceTls(tls),
    stop: async (graceMs = 5_000) => {
      stopWatching();
      await metrics.stop();
      return runtime.stop(graceMs);
    },
  };
}

/** Of a response that was refused as a whole so many names are told. */
const NAMES_TOLD = 5;

const proxyWatch = ({ server }: Runtime): ProxyWatch => ({
  *refusals() {
    for (const [{ node }, { type, names, message }] of server.refusals())
      for (const name of names.slice(0, NAMES_TOLD)) yield { node: node.id, type: shortType(type), name, message };
  },
  behind: () => server.behind().values(),
});

function credentials(identity: MeshIdentity): ProxyCredentials & Revocations {
  return {
    async verifyProxyToken(token) {
      const verified = await identity.proxyTokens.verify(token);
      // The caller learns that the token is not good, not why.
      return verified.ok ? verified : err('the proxy token is not valid here, has expired or was revoked');
    },
    admitNode,
    isDenied: (jti) => identity.denyList.isDenied(jti),
    onDenied: (listener) => identity.denyList.onDenied(listener),
  };
}

function secretSource(identity: MeshIdentity, clock: Clock): SecretSource {
  return {
    resolve(principal, node, name, heldVersion) {
      const proxy = parseNodeId(node.id);
      const { mesh, namespace, workload } = claimsOf(principal);
      if (!proxy || proxy.mesh !== mesh || proxy.namespace !== namespace || proxy.workload !== workload) {
        throw new Denied('PERMISSION_DENIED', 'the node is not the one that the token is for');
      }
      return identity.secrets.resolve(proxy, name, heldVersion);
    },
    recheckAfterMs: (_principal, _name, version) => identity.secrets.renewAfterMs(version, clock.now()),
  };
}

function runtimePort(runtime: Runtime, questions: RuntimeQuestions, { store }: RuntimeDeps): RuntimePort {
  return {
    proxies: async (mesh) => questions.proxies(mesh),
    deregister: (mesh, namespace, name, waitMs) => questions.deregister({ mesh, namespace, name }, waitMs),
    conditions: (mesh, id) => questions.conditions(mesh, id),
    async published(_mesh, revision) {
      await store.feed.poke();
      await runtime.coordinator.reached(revision);
    },
    readiness() {
      const checks = [
        {
          name: 'config',
          ok: runtime.coordinator.loaded,
          message: runtime.coordinator.loaded ? 'a full state is served' : 'the state is not loaded yet',
        },
        {
          name: 'database',
          ok: store.feed.connected,
          message: store.feed.connected ? 'connected' : 'away: the last good state is served, writes are refused',
        },
      ];
      return { ready: runtime.coordinator.loaded, checks };
    },
  };
}
