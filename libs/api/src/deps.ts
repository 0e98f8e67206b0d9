import type { Changes, Deliveries, Explain, ExplainPast, ScrapingReader } from '#libs/changes';
import type { Clock, Log, Metrics, Tracer } from '#libs/kernel';
import type { Registry } from '#libs/model';
import type { Store } from '#libs/store';
import type { SignalQueries } from '#libs/telemetry';
import type { RolePolicies } from './access/role-policies.js';
import type { AlertsPort } from './alerts/alerts.port.js';
import type { AuthPort } from './auth.ports.js';
import type { ChangeAspect } from './delivery/aspect.js';
import type { RuntimePort } from './ports.js';
import type { SessionPort } from './session.port.js';
import type { PatternReader } from './telemetry/patterns.port.js';

/** What `heddle proxy bootstrap` must know of this control plane. */
export interface BootstrapInfo {
  readonly xds: {
    /** Host name or address that proxies dial. */
    readonly address: string;
    readonly port: number;
    /** Name in the xDS server's certificate, which the bootstrap pins. */
    readonly serverName: string;
  };
  /** Certificate of the server CA, which signs the xDS and REST certificates. */
  readonly caPem: string;
}

/** Everything that REST is made of; the app hands it in. */
export interface ApiDeps {
  readonly registry: Registry;
  readonly store: Pick<
    Store,
    | 'resources'
    | 'instances'
    | 'identity'
    | 'ping'
    | 'audit'
    | 'history'
    | 'staged'
    | 'quarantine'
    | 'badContents'
    | 'alerts'
    | 'silences'
    | 'timeline'
    | 'alertOutbox'
    | 'plaintext'
  >;
  readonly changes: Changes;
  readonly explain: Explain;
  readonly deliveries: Deliveries;
  /** What else is known of changes, beside their items and delivery. */
  readonly aspects?: readonly ChangeAspect[];
  readonly past: ExplainPast;
  readonly scraping: ScrapingReader;
  /** How requests fare, as one reader may know it. */
  readonly patterns: PatternReader;
  readonly signals: Pick<
    SignalQueries,
    'services' | 'service' | 'chart' | 'edges' | 'edge' | 'instances' | 'zones' | 'map' | 'failures'
  >;
  readonly alerts: AlertsPort;
  readonly runtime: RuntimePort;
  readonly auth: AuthPort;
  /** Sessions of browsers; absent = only bearer tokens count. */
  readonly sessions?: SessionPort | undefined;
  /** Fed by whoever starts the change feed. */
  readonly roles: RolePolicies;
  readonly bootstrap: BootstrapInfo;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Default: one that keeps nothing. */
  readonly tracer?: Tracer | undefined;
  /** The text of `/metrics` with its content type. */
  readonly exposition: () => Promise<{ readonly contentType: string; readonly body: string }>;
  /** Names beside `localhost` and addresses that a Host header may have (SEC-35). */
  readonly allowedHosts: readonly string[];
  /** Where the database is, without credentials: named by 503 answers. */
  readonly databaseName: string;
  /** Version of Heddle, for the OpenAPI document. */
  readonly version: string;
}

/** Injection token of {@link ApiDeps}. */
export const API_DEPS = Symbol('heddle.api.deps');
