import { TYPE } from '#libs/envoy-api';
import { type Clock, type Log, type Metrics, silentLog, systemClock } from '#libs/kernel';
import {
  type DeliveryListener,
  Denied,
  type Gatekeeper,
  type Limits,
  type NackInfo,
  type NodeInfo,
  type Principal,
  type Publication,
  type Resource,
  type SecretSource,
  type TlsMaterial,
  XdsServer,
  type XdsServerOptions,
} from '#libs/xds';
import { FakeXdsClient, type FakeXdsClientOptions } from '../../libs/testing/src/xds-client/index.js';

/** Counts metrics by name and labels, so that tests can see them. */
export class CountingMetrics implements Metrics {
  readonly counts = new Map<string, number>();

  count(name: string, labels: Readonly<Record<string, string>> = {}, by = 1): void {
    const key = [name, ...Object.values(labels)].join(' ');
    this.counts.set(key, (this.counts.get(key) ?? 0) + by);
  }

  gauge(name: string, value: number): void {
    this.counts.set(name, value);
  }

  observe(): void {}
}

export interface RigOptions {
  readonly limits?: Partial<Limits>;
  readonly secrets?: SecretSource;
  readonly gatekeeper?: Partial<Gatekeeper>;
  readonly clock?: Clock;
  readonly log?: Log;
  /** Without it the server speaks plaintext. */
  readonly tls?: TlsMaterial;
  /** True unless said otherwise, which the engine itself never does (SEC-16). */
  readonly secretsOverPlaintext?: boolean;
  /** Publishes nothing at first. */
  readonly empty?: boolean;
  /** Methods of the program's own. */
  readonly reports?: XdsServerOptions['reports'];
  /** What carries the calls. */
  readonly transport?: XdsServerOptions['transport'];
}

/**
 * Time limits on clients, far away: a script that keeps silent must not be cut because the machine stalled. What tests one
 * of them sets it.
 */
const PATIENT: Partial<Limits> = {
  openBurst: 1000,
  admissionWaitMs: 600_000,
  handshakeMs: 600_000,
  unauthenticatedMs: 600_000,
  firstMessageMs: 600_000,
  ackProgressMs: 600_000,
};

const FAR = Number.MAX_SAFE_INTEGER;

/**
 * A server on a real socket with one layer and one view, `main`, and clients to it. A token is the name of a principal;
 * `bad` is refused.
 */
export class Rig {
  readonly metrics = new CountingMetrics();
  readonly nacks: NackInfo[] = [];
  readonly acks: { readonly type: string; readonly change: number }[] = [];
  /** Changes of which some client was said to have everything. */
  readonly caughtUp: number[] = [];
  readonly opened: string[] = [];
  readonly closed: string[] = [];
  readonly server: XdsServer;
  readonly #clients: FakeXdsClient[] = [];
  #resources = new Map<string, Resource>();
  #change = 0;
  port = 0;

  private constructor(options: RigOptions) {
    const listenerOf: DeliveryListener = {
      streamOpened: (stream) => void this.opened.push(stream.node.id),
      streamClosed: (stream) => void this.closed.push(stream.node.id),
      acked: (_stream, type, change) => void this.acks.push({ type, change }),
      caughtUp: (_stream, change) => void this.caughtUp.push(change),
      nacked: (_stream, nack) => void this.nacks.push(nack),
    };
    this.server = new XdsServer({
      gatekeeper: { authenticate, admit: () => Promise.resolve('main'), ...options.gatekeeper },
      listener: listenerOf,
      clock: options.clock ?? systemClock,
      log: options.log ?? silentLog,
      metrics: this.metrics,
      ...(options.reports ? { reports: options.reports } : {}),
      ...(options.transport ? { transport: options.transport } : {}),
      secretsOverPlaintext: options.secretsOverPlaintext ?? true,
      limits: { ...PATIENT, ...options.limits },
      ...(options.secrets ? { secrets: options.secrets } : {}),
    });
  }

  static async start(options: RigOptions = {}): Promise<Rig> {
    const rig = new Rig(options);
    rig.port = await rig.server.start({ host: '127.0.0.1', port: 0, tls: options.tls ?? 'plaintext' });
    if (!options.empty) rig.publish();
    return rig;
  }

  /** @throws Error if any client was sent anything illegal: so every test checks every response */
  async stop(): Promise<void> {
    for (const client of this.#clients) client.disconnect();
    await this.server.stop({ graceMs: 0 });
    for (const client of this.#clients.splice(0)) client.expectNoFaults();
  }

  /** Makes these the resources of the view. */
  publish(...resources: readonly Resource[]): number {
    const next = new Map(resources.map((resource) => [resource.key, resource]));
    const removed = [...this.#resources.keys()].filter((key) => !next.has(key));
    this.#resources = next;
    return this.raw({
      set: [...next.values()],
      removed,
      layers: [{ id: 'layer', keys: [...next.keys()] }],
      views: [{ id: 'main', layers: ['layer'] }],
    });
  }

  /** Replaces or adds resources, and leaves the others. */
  update(...resources: readonly Resource[]): number {
    const next = new Map(this.#resources);
    for (const resource of resources) next.set(resource.key, resource);
    return this.publish(...next.values());
  }

  remove(...names: readonly string[]): number {
    return this.publish(...[...this.#resources.values()].filter((resource) => !names.includes(resource.name)));
  }

  /** What the view holds by the last `publish`, `update` or `remove`. */
  get resources(): readonly Resource[] {
    return [...this.#resources.values()];
  }

  /** A publication with what is given and nothing else. */
  raw(publication: Partial<Publication>): number {
    this.#change++;
    const nothing = { set: [], removed: [], layers: [], removedLayers: [], views: [], removedViews: [] };
    this.server.publish({ ...nothing, ...publication, change: this.#change });
    return this.#change;
  }

  client(options: Partial<FakeXdsClientOptions> = {}): FakeXdsClient {
    const address = `127.0.0.1:${this.port}`;
    const client = new FakeXdsClient({ address, token: 'alice', node: { id: 'alice/1' }, ...options });
    this.#clients.push(client);
    return client.connect();
  }

  /** The delivery state of a type on the only stream. */
  state(type: string) {
    return this.server.streams()[0]?.types.find((state) => state.type === type);
  }
}

function authenticate(metadata: ReadonlyMap<string, string>): Promise<Principal> {
  const token = metadata.get('authorization')?.replace(/^Bearer /, '') ?? '';
  if (token === '' || token === 'bad') return Promise.reject(new Denied('UNAUTHENTICATED', 'a token is needed'));
  return Promise.resolve({ id: token, expiresAt: FAR, claims: undefined });
}

/** A gatekeeper's `admit` that wants a node id under the principal's name, as a real one does (SEC-1). */
export const admitOwnNodes = (principal: Principal, node: NodeInfo): Promise<string> =>
  node.id.startsWith(`${principal.id}/`)
    ? Promise.resolve('main')
    : Promise.reject(new Denied('PERMISSION_DENIED', 'another node'));

const ROUNDS = 20;

/**
 * Gives everything in flight the time to arrive, to show that nothing more does. Server and client share this process:
 * what counts is that its event loop turns, and after a stall one long timer would be due before a socket was read.
 */
export async function quiet(ms = 60): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) await new Promise((resolve) => setTimeout(resolve, ms / ROUNDS));
}

export const GRPC = {
  OK: 0,
  CANCELLED: 1,
  INVALID_ARGUMENT: 3,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  UNIMPLEMENTED: 12,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const;

export * from './resources.js';
export { type Resource, TYPE };
