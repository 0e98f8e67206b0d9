import { DataSource } from 'typeorm';
import {
  type Clock,
  type Log,
  type Metrics,
  silentLog,
  silentMetrics,
  silentTracer,
  systemClock,
  type Tracer,
} from '#libs/kernel';
import { AuthorityRepository } from './administration/authority.repository.js';
import { TokenRepository } from './administration/token.repository.js';
import { AlertRepository } from './alerts/alert.repository.js';
import { AlertSourceRepository } from './alerts/facts.repository.js';
import { OutboxRepository } from './alerts/outbox.repository.js';
import { SilenceRepository } from './alerts/silence.repository.js';
import { AuditRepository } from './audit/audit.repository.js';
import { HistoryRepository } from './audit/history.repository.js';
import { Database } from './database.js';
import { ProgressRepository } from './delivery/progress.repository.js';
import { ENTITIES } from './entities/index.js';
import { asStoreError } from './errors.js';
import { ChangeTraces } from './feed/change-traces.js';
import { ChangeFeed } from './feed/feed.js';
import { readHeads } from './feed/heads.js';
import { startHousekeeping } from './housekeeping.js';
import { IdentityGuard } from './identity-guard.js';
import { identityOf, inspectDatabase } from './inspect-database.js';
import { InstanceRepository } from './instances/instance.repository.js';
import { LeaseRepository } from './leases/lease.js';
import { migrateDatabase } from './migrate.js';
import { SCHEMA_VERSION } from './migrations/index.js';
import { PatternRepository } from './patterns/pattern.repository.js';
import { PlaintextRepository } from './plaintext/plaintext.repository.js';
import { PlanRepository } from './plans/plan.repository.js';
import type { DatabaseIdentity, Store } from './ports.js';
import { ContentRepository } from './quarantine/content.repository.js';
import { QuarantineRepository } from './quarantine/quarantine.repository.js';
import { PastRepository } from './resources/past.repository.js';
import { ResourceRepository } from './resources/resource.repository.js';
import { APP_ROLE, canRewriteAudit, mayActAs } from './roles.js';
import { StoreClient, sessionConfig } from './session.js';
import { SpanRepository } from './spans/span.repository.js';
import { StagedRepository } from './staged/staged.repository.js';
import { SignalRepository } from './telemetry/signal.repository.js';
import { TimelineRepository } from './timeline/timeline.repository.js';

export interface OpenStoreOptions {
  /** Postgres by URL, as the role that the control plane works with. */
  readonly url: string;
  /** As the role that may change the schema; default: `url`. */
  readonly migrateUrl?: string | undefined;
  /** Name of this replica, unique among those that share the database. */
  readonly replica: string;
  readonly log?: Log;
  readonly metrics?: Metrics;
  readonly tracer?: Tracer | undefined;
  readonly clock?: Clock;
  /** Largest number of connections besides the one that listens; default 10. */
  readonly pool?: number;
  /** This process serves proxies, and reports how far changes have come at them: delivery waits for it. Default false. */
  readonly delivers?: boolean;
  /** Serve what is there, even if its own history says that most of it is missing. Default false. */
  readonly accept?: boolean;
  /**
   * Called with what the database is before anything is written to it; undefined = no Heddle has ever used it. What it
   * throws, `openStore` throws.
   */
  readonly admit?: (found: DatabaseIdentity | undefined) => void;
}

const DEFAULT_POOL = 10;
/** Telemetry has connections of its own, so that none of it stands before a change: few, and with less patience. */
const SIGNAL_POOL = 3;
const SIGNAL_STATEMENT_TIMEOUT_MS = 5_000;
const PING_TIMEOUT_MS = 1_000;

/** The role to act as: `heddle_app` where the login may, so that DDL and edits of the audit are out of reach (SEC-65). */
async function sessionRole(url: string): Promise<string | undefined> {
  const client = new StoreClient({ connectionString: url, ...sessionConfig({ applicationName: 'heddle' }) });
  try {
    await client.connect();
    const sql = {
      query: async <Row extends object>(text: string, parameters: readonly unknown[] = []) =>
        (await client.query<Row>(text, [...parameters])).rows,
    };
    return (await mayActAs(sql, APP_ROLE)) ? APP_ROLE : undefined;
  } finally {
    await client.end().catch(() => client.abort());
  }
}

interface PoolParts {
  readonly role: string | undefined;
  readonly log: Log;
  readonly guard: IdentityGuard;
}

interface PoolKind {
  readonly entities: typeof ENTITIES;
  /** Connections at most. */
  readonly size: number;
  /** Of a connection's name, after that of the replica. */
  readonly suffix: string;
  readonly statementTimeoutMs?: number;
  readonly hasty?: boolean;
}

const SIGNALS: PoolKind = {
  ...{ entities: [], size: SIGNAL_POOL, suffix: '-signals', hasty: true },
  statementTimeoutMs: SIGNAL_STATEMENT_TIMEOUT_MS,
};

async function connect(
  options: OpenStoreOptions,
  { role, log, guard }: PoolParts,
  { entities, size, suffix, ...session }: PoolKind,
): Promise<DataSource> {
  const dataSource = new DataSource({
    type: 'postgres',
    url: options.url,
    entities,
    installExtensions: false,
    logging: false,
    poolSize: size,
    poolErrorHandler: (error: unknown) =>
      log.debug('an idle connection to Postgres was lost', { error: String(error) }),
    extra: {
      ...sessionConfig({ applicationName: `heddle-${options.replica}${suffix}`, role, ...session }),
      Client: StoreClient,
      idleTimeoutMillis: 60_000,
      verify: guard.verify,
    },
  });
  return dataSource.initialize();
}

/** What everything else uses, and telemetry's own; both or none. */
async function connectBoth(options: OpenStoreOptions, parts: PoolParts): Promise<readonly [DataSource, DataSource]> {
  const main = { entities: ENTITIES, size: options.pool ?? DEFAULT_POOL, suffix: '' };
  const dataSource = await connect(options, parts, main);
  try {
    return [dataSource, await connect(options, parts, SIGNALS)];
  } catch (error) {
    await dataSource.destroy();
    throw error;
  }
}

/** The mesh `default` exists from the first start on; whoever deletes it later does not get it back. */
async function ensureDefaultMesh(resources: ResourceRepository, database: Database): Promise<void> {
  const heads = await readHeads(database);
  if (heads.config > 0) return;
  const manifest = {
    apiVersion: 'heddle.dev/v1alpha1',
    kind: 'Mesh',
    metadata: { name: 'default', namespace: '', labels: {}, annotations: {} },
    spec: {},
  };
  const actor = { name: 'system', role: 'system', ip: '', requestId: '' };
  await resources.write({ mesh: 'default', actor, message: 'first start', items: [{ op: 'put', manifest }] });
}

async function ping(database: Database, clock: Clock): Promise<boolean> {
  let cancel = (): void => {};
  const late = new Promise<boolean>((resolve) => {
    cancel = clock.after(PING_TIMEOUT_MS, () => resolve(false));
  });
  const answer = database.query('SELECT 1').then(
    () => true,
    () => false,
  );
  return Promise.race([answer, late]).finally(cancel);
}

async function inspected(url: string): Promise<DatabaseIdentity | undefined> {
  try {
    return await inspectDatabase(url);
  } catch (error) {
    throw asStoreError(error);
  }
}

/**
 * Opens the store: migrates the schema, takes the least powerful role it can, makes the `default` mesh on first start,
 * and starts to renew this replica's lease. The feed starts when it is asked to.
 * @throws StoreUnavailable when Postgres cannot be reached; SchemaTooNew when it was upgraded by a newer build;
 * PostgresTooOld; what `admit` throws
 */
export async function openStore(options: OpenStoreOptions): Promise<Store> {
  const { log = silentLog, metrics = silentMetrics, tracer = silentTracer, clock = systemClock } = options;
  const found = await inspected(options.url);
  options.admit?.(found);
  await migrateDatabase(options.migrateUrl ?? options.url, log);
  let role: string | undefined;
  let dataSource: DataSource;
  let signalSource: DataSource;
  const guard = new IdentityGuard(log, metrics);
  try {
    role = await sessionRole(options.url);
    [dataSource, signalSource] = await connectBoth(options, { role, log, guard });
  } catch (error) {
    throw asStoreError(error);
  }
  const database = new Database(dataSource, log, metrics);
  const traces = new ChangeTraces();
  const resources = new ResourceRepository({ database, log, clock, tracer, traces });
  try {
    guard.expect((await identityOf(database, SCHEMA_VERSION)).clusterId);
    if (await canRewriteAudit(database)) {
      log.warn(
        'the audit chain is append-only by convention only: give Heddle a login that may create roles, or its own heddle_app and heddle_migrate',
      );
    }
    await ensureDefaultMesh(resources, database);
  } catch (error) {
    await Promise.all([dataSource.destroy(), signalSource.destroy()]);
    throw error;
  }
  const feed = new ChangeFeed({
    database,
    url: options.url,
    role,
    clock,
    log,
    metrics,
    traces,
    accept: options.accept,
  });
  const audit = new AuditRepository(database, {
    replica: options.replica,
    ownerUrl: options.migrateUrl ?? options.url,
  });
  const stopHousekeeping = startHousekeeping(database, {
    ...{ replica: options.replica, delivers: options.delivers === true, clock, log, metrics, tracer },
  });
  return {
    resources,
    instances: new InstanceRepository(database, { replica: options.replica, log, metrics }),
    feed,
    tokens: new TokenRepository(database),
    authorities: new AuthorityRepository(database),
    progress: new ProgressRepository(database),
    past: new PastRepository(database),
    plans: new PlanRepository(database),
    staged: new StagedRepository(database, log, tracer),
    history: new HistoryRepository(database),
    spans: new SpanRepository(database),
    audit,
    leases: new LeaseRepository(database),
    quarantine: new QuarantineRepository(database),
    badContents: new ContentRepository(database),
    plaintext: new PlaintextRepository(database, options.replica),
    patterns: new PatternRepository(database),
    timeline: new TimelineRepository(database, new HistoryRepository(database)),
    signals: new SignalRepository(new Database(signalSource, log, metrics), database, log),
    alerts: new AlertRepository(database),
    silences: new SilenceRepository(database),
    alertOutbox: new OutboxRepository(database),
    alertSources: new AlertSourceRepository(database, options.replica),
    identity: () => identityOf(database, SCHEMA_VERSION),
    verifyAudit: () => audit.verify(),
    ping: () => ping(database, clock),
    async close() {
      await feed.stop();
      await stopHousekeeping();
      await Promise.all([dataSource.destroy(), signalSource.destroy()]);
    },
  };
}
