import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createAuth, RolePolicies, type RunningApi, stagedAspect, startApi } from '#libs/api';
import {
  createChanges,
  createExplain,
  createExplainPast,
  createScraping,
  Deliveries,
  type StagedRunner,
} from '#libs/changes';
import {
  CONTROL_PLANE_NAME,
  createMeshIdentity,
  defaultTrustDomain,
  KekUnusable,
  loadOrCreateKek,
  type MeshIdentity,
  type ServerCertificate,
} from '#libs/identity';
import { type Clock, type RequestCounts, systemClock } from '#libs/kernel';
import { createRegistry, type PolicyKind, type Registry } from '#libs/model';
import type { OtlpSettings } from '#libs/observability';
import type { FeedEvent } from '#libs/store';
import { SignalQueries } from '#libs/telemetry';
import { policies as everyPolicy } from '#policies';
import { AlertSignals } from './alert-signals.js';
import { wireAlerts } from './alerts-wiring.js';
import { startCheckpoints } from './audit/index.js';
import { type RunningCollector, wireCollector } from './collector/index.js';
import type { Config } from './config.schema.js';
import { createDashboard } from './dashboard/index.js';
import { takeDataDirectory } from './data-directory.js';
import { requireFreePort, type WantedPort } from './free-port.js';
import { guardedDatabase } from './guarded-database.js';
import type { OpenDatabase } from './open-database.js';
import { otlpSettings } from './otlp-settings.js';
import { patternReader } from './patterns/index.js';
import type { ControlPlanePorts, Telemetry } from './ports.js';
import { replicaName } from './replica-name.js';
import { type WiredRuntime, wireRuntime } from './runtime-wiring.js';
import { Shutdown } from './shutdown.js';
import { startSignals } from './signals-wiring.js';
import { isStagedEvent, startStaged } from './staged-wiring.js';
import { EXIT, StartError } from './start-error.js';
import { orDistrust, orPortError } from './start-failures.js';
import { createTelemetry } from './telemetry.js';
import { advertisedAddress, certificateNames, isPlainRest, keepCertificates, restTls, tlsOf } from './tls.js';
import { urlHost } from './url-host.js';

export interface RunningControlPlane {
  readonly restUrl: string;
  readonly xdsPort: number;
  /** What the sidecars that report to this replica have counted. */
  readonly requestCounts: RequestCounts;
  /** Process that makes telemetry of what sidecars report; undefined while there is none. */
  readonly collectorPid: () => number | undefined;
  /** File with the one-time admin token; undefined when somebody can log in as admin. */
  readonly adminTokenFile: string | undefined;
  /** Certificate of the server CA, by which REST's certificate is where REST is TLS. */
  readonly caPem: string;
  /** Finishes what is in flight and stops everything that was started. */
  stop(): Promise<void>;
}

/** Milliseconds that streams get to end by themselves. */
const STREAM_GRACE_MS = 5_000;
const VERSION = '0.1.0';

/** What every step of the start needs. */
interface Starting {
  readonly config: Config;
  readonly replica: string;
  /** Where telemetry is sent; undefined = nowhere. */
  readonly otlp: OtlpSettings | undefined;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly ports: ControlPlanePorts;
  readonly policies: readonly PolicyKind[];
  readonly registry: Registry;
  readonly shutdown: Shutdown;
  /** Set once they run. */
  runtime?: WiredRuntime;
  staged?: StagedRunner;
  collector?: RunningCollector | undefined;
}

/** What the later steps are made of. */
interface Foundation {
  readonly database: OpenDatabase;
  readonly identity: MeshIdentity;
  readonly roles: RolePolicies;
  readonly certificate: ServerCertificate;
}

/**
 * Starts the control plane and resolves when it is ready: its state is loaded, both ports are open.
 * @throws StartError with one line that says what to do; whatever was started is stopped again
 */
export async function startControlPlane(config: Config, ports: ControlPlanePorts = {}): Promise<RunningControlPlane> {
  const replica = replicaName(config);
  const otlp = otlpSettings(config, { instance: replica, version: VERSION });
  const telemetry = ports.telemetry ?? (await createTelemetry(config, otlp));
  const policies = ports.policies ?? everyPolicy;
  const starting: Starting = {
    config,
    replica,
    otlp,
    clock: ports.clock ?? systemClock,
    telemetry,
    ports,
    policies,
    registry: createRegistry(policies),
    shutdown: new Shutdown(),
  };
  starting.shutdown.add('telemetry', () => telemetry.close());
  try {
    return await start(starting);
  } catch (error) {
    await starting.shutdown.run(telemetry.log);
    if (!(error instanceof KekUnusable)) throw error;
    const file = keyFile(config);
    const message = error.message.includes(file)
      ? error.message
      : `${error.message}; it belongs at ${file} (--key-file)`;
    throw new StartError(EXIT.key, message, { cause: error });
  }
}

const keyFile = (config: Config): string => config.keyFile ?? join(config.dataDir, 'key');

async function start(starting: Starting): Promise<RunningControlPlane> {
  const { config, shutdown, telemetry, clock } = starting;
  const { log } = telemetry;
  const { rest, xds } = wantedPorts(config);
  await requireFreePort(rest);
  await requireFreePort(xds);
  const directory = takeDataDirectory(config.dataDir);
  shutdown.add('data directory', () => directory.release());
  const database = await guardedDatabase(starting);
  const identity = await startIdentity(starting, database);
  const certificate = await identity.server.issue(certificateNames(config));
  // For whoever must trust this server before it can ask it: a setup job, a script, curl --cacert.
  await writeFile(join(config.dataDir, 'server-ca.pem'), certificate.caPem);
  const roles = new RolePolicies({ registry: starting.registry, feed: database.store.feed, log });
  const foundation = { database, identity, roles, certificate };
  const runtime = await startRuntime(starting, foundation, xds);
  // Before REST answers "ready": whoever waits for that reads the file next.
  const adminToken = await identity.adminLogin.ensure();
  const api = await startRest(starting, { ...foundation, runtime }, rest);
  const { server } = identity;
  const stopRenewing = keepCertificates({ config, clock, log, server, first: certificate, runtime, api });
  shutdown.add('certificates', stopRenewing);
  log.info('ready', { rest: api.port, xds: runtime.xdsPort });
  return {
    restUrl: `${isPlainRest(config) ? 'http' : 'https'}://${urlHost(config.rest.host)}:${api.port}`,
    xdsPort: runtime.xdsPort,
    requestCounts: runtime.requestCounts,
    collectorPid: () => starting.collector?.pid,
    adminTokenFile: adminToken?.path,
    caPem: certificate.caPem,
    stop: () => shutdown.run(log),
  };
}

const wantedPorts = ({ rest, xds }: Config): { rest: WantedPort; xds: WantedPort } => ({
  rest: { host: rest.host, port: rest.port, flag: '--rest-port', what: 'REST' },
  xds: { host: xds.host, port: xds.port, flag: '--xds-port', what: 'xDS' },
});

async function startIdentity(starting: Starting, { store }: OpenDatabase): Promise<MeshIdentity> {
  const { config, shutdown, telemetry, clock } = starting;
  const kek = await loadOrCreateKek(keyFile(config));
  const identity = createMeshIdentity({
    authorities: store.authorities,
    tokens: store.tokens,
    kek,
    dataDirectory: config.dataDir,
    leafLifetimeMs: config.identity.leafLifetimeSeconds * 1000,
    clock,
    log: telemetry.log,
    metrics: telemetry.metrics,
    tracer: telemetry.tracer,
    // Nobody is given a certificate before the runtime has loaded the meshes.
    trustDomain: (mesh) => starting.runtime?.trustDomain(mesh) ?? defaultTrustDomain(mesh),
    trustDomainAliases: (mesh) => starting.runtime?.trustDomainAliases(mesh) ?? [],
  });
  shutdown.add('identity', () => identity.stop());
  await identity.start(await store.resources.meshes());
  const stopCheckpoints = startCheckpoints({ ...starting, ...telemetry, store, kek });
  shutdown.add('checkpoints', stopCheckpoints);
  return identity;
}

async function startRuntime(starting: Starting, foundation: Foundation, wanted: WantedPort): Promise<WiredRuntime> {
  const { telemetry, clock, registry, policies, replica, shutdown, ports } = starting;
  const { database, identity, roles, certificate } = foundation;
  const { log, metrics, tracer } = telemetry;
  starting.collector = await wireCollector({ ...starting, live: () => starting.runtime?.live }, database);
  const onEvent = (event: FeedEvent): void => {
    roles.onEvent(event);
    if (isStagedEvent(event)) starting.staged?.wake();
  };
  const xds = { host: wanted.host, port: wanted.port, tls: tlsOf(certificate) };
  const deps = {
    store: database.store,
    registry,
    policies,
    identity,
    replica,
    xds,
    onEvent,
    collect: ports.collect ?? starting.collector?.collect,
    ...{ clock, log, metrics, tracer },
  };
  const runtime = await orDistrust(orPortError(wanted, (ports.wireRuntime ?? wireRuntime)(deps)));
  shutdown.add('runtime', () => runtime.stop(STREAM_GRACE_MS));
  starting.runtime = runtime;
  return runtime;
}

async function startRest(
  starting: Starting,
  { database, identity, roles, certificate, runtime }: Foundation & { readonly runtime: WiredRuntime },
  wanted: WantedPort,
): Promise<RunningApi> {
  const { config, telemetry, clock, registry, shutdown } = starting;
  const { log, metrics, tracer } = telemetry;
  const { store } = database;
  const changes = { registry, store, live: runtime.live, tracer };
  const staged = startStaged({ deps: changes, runtime, replica: starting.replica, clock, log, metrics });
  starting.staged = staged;
  shutdown.add('staged changes', () => staged.stop());
  shutdown.add('roll-up of telemetry', startSignals({ ...starting, store, log, metrics, tracer }));
  const alerts = await wireAlerts({
    ...starting,
    ...telemetry,
    store,
    watch: runtime.watch,
    signals: new AlertSignals(store.signals, metrics),
  });
  shutdown.add('alerts', () => alerts.stop());
  const xds = { address: advertisedAddress(config), port: runtime.xdsPort, serverName: CONTROL_PLANE_NAME };
  const door = createChanges(changes);
  const kek = await loadOrCreateKek(keyFile(config));
  const dashboard = await createDashboard({ ...starting, ...telemetry, kek: kek.key.expose() });
  shutdown.add('dashboard', () => dashboard.stop());
  const deps = {
    registry,
    store,
    changes: door,
    aspects: [stagedAspect({ store, changes: door, clock })],
    explain: createExplain({ live: runtime.live, history: store.history }),
    deliveries: new Deliveries({ progress: store.progress, local: runtime.delivery, clock }),
    past: createExplainPast({ live: runtime.live, recompile: runtime.recompile, store }),
    scraping: createScraping(runtime.live),
    signals: new SignalQueries({ ...store, metrics }),
    patterns: patternReader(store),
    alerts: alerts.port,
    runtime: runtime.port,
    auth: createAuth(identity),
    sessions: dashboard.sessions,
    roles,
    bootstrap: { xds, caPem: certificate.caPem },
    ...{ clock, log, metrics, tracer },
    exposition: () => telemetry.exposition(),
    allowedHosts: [...config.rest.allowedHosts, CONTROL_PLANE_NAME],
    databaseName: database.name,
    version: VERSION,
  };
  const { host, port } = wanted;
  const api = await orPortError(
    wanted,
    startApi({ deps, host, port, controllers: dashboard.controllers, tls: await restTls(config, certificate) }),
  );
  shutdown.add('REST', () => api.close());
  return api;
}
