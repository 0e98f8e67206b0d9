import { type Metadata, Server } from '@grpc/grpc-js';
import { SERVICE } from '#libs/envoy-api';
import type { Clock, Log, Metrics } from '#libs/kernel';
import { Catalog } from './catalog.js';
import { FanOut } from './fan-out.js';
import { FrameCache } from './frames.js';
import { DEFAULT_LIMITS, type Limits } from './limits.js';
import { StreamSecrets } from './secrets.js';
import { Admission, once } from './serving/admission.js';
import { Authentication } from './serving/authentication.js';
import { type DiscoveryCall, endWith, type StatusName } from './serving/call.js';
import { clientStatus } from './serving/client-status.js';
import { Leftovers } from './serving/leftovers.js';
import { type MethodInfo, servedServices } from './serving/methods.js';
import { Readiness } from './serving/readiness.js';
import { type StatusCall, StatusService } from './serving/status-service.js';
import { XdsStream } from './serving/stream.js';
import { StreamRegistry } from './serving/stream-registry.js';
import type { StreamServices, WireCounters } from './serving/stream-services.js';
import { type ListenOptions, type TlsMaterial, Transport } from './serving/transport.js';
import { checkStream } from './serving/watchdog.js';
import type {
  DeliveryListener,
  Gatekeeper,
  Principal,
  Publication,
  SecretSource,
  StreamInfo,
  StreamState,
  TypeUrl,
} from './types.js';
import { Denied } from './types.js';

export interface XdsServerOptions {
  readonly gatekeeper: Gatekeeper;
  /** Without one, secrets are not served. */
  readonly secrets?: SecretSource;
  readonly listener?: DeliveryListener;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly limits?: Partial<Limits>;
  /** Serves secrets over plaintext too. For tests only (SEC-16). */
  readonly secretsOverPlaintext?: boolean;
}

/** Totals since the server was made. */
export interface XdsCounters extends Readonly<WireCounters> {
  /** Encodings of resources: one for each content that some stream needed, whatever the number of streams. */
  readonly encodes: number;
  /** Response bodies found in the cache, and built. */
  readonly frameHits: number;
  readonly frameMisses: number;
}

/** How far a change has come. */
export interface Progress {
  readonly streams: number;
  /** Streams on which nothing of the change, or of an earlier one, is left to send or to be ACKed. */
  readonly acked: number;
}

const SOCKET_GRACE_MS = 2_000;
/** Signs of life are given by the checks of streams, three to a lifetime. */
const MIN_TTL_CHECKS = 3;

/**
 * An xDS server: ADS and the single-type services, delta and state-of-the-world. The embedding program publishes
 * resources, layers and views, says who may have which view, and is told what was delivered.
 */
export class XdsServer {
  readonly #limits: Limits;
  readonly #catalog: Catalog;
  readonly #frames: FrameCache;
  readonly #fanOut = new FanOut();
  readonly #streams = new StreamRegistry();
  readonly #ready: Readiness;
  readonly #admission: Admission;
  readonly #authentication: Authentication;
  readonly #transport: Transport;
  readonly #status = new StatusService({
    answer: (request, metadata) => this.#statusFor(request, metadata),
    enter: (call) => this.#enter(call, SERVICE.csds),
  });
  readonly #counters: WireCounters = { requests: 0, responses: 0, bytesSent: 0 };
  #reported = { encodes: 0, frameHits: 0, frameMisses: 0 };
  readonly #services: StreamServices<XdsStream>;
  #server: Server | undefined;
  #serveSecrets = false;
  #stopping = false;
  #stopChecks: (() => void) | undefined;

  constructor(private readonly options: XdsServerOptions) {
    const { clock, log, metrics, gatekeeper } = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#catalog = new Catalog(MIN_TTL_CHECKS * this.#limits.checkMs);
    this.#frames = new FrameCache(this.#limits.frameCacheBytes);
    this.#ready = new Readiness(clock, this.#limits.readyWaitMs);
    this.#admission = new Admission(this.#limits, clock, metrics);
    this.#transport = new Transport(this.#limits, clock, metrics);
    this.#authentication = new Authentication({ gatekeeper, log, metrics });
    this.#services = this.#makeServices();
  }

  /**
   * Makes a publication the state that is served: at once and as a whole. Streams that follow something it changes are
   * sent it; a first part of them before this returns.
   * @throws Error, with nothing changed, if change numbers do not grow or a key changes its type or name
   */
  publish(publication: Publication): void {
    const woken = this.#catalog.publish(publication);
    this.#ready.set();
    this.#fanOut.wake(this.#streams.of(woken));
    this.options.metrics.gauge('xds_resources', this.#catalog.resources);
  }

  /** Asks the secret source again for the streams of these principals; all by default. */
  secretsChanged(filter: (principal: Principal) => boolean = () => true): void {
    for (const stream of this.#streams.all()) if (filter(stream.principal)) stream.refreshSecrets();
  }

  /** Ends the streams of these principals, as when a credential is revoked (SEC-5). @returns how many */
  disconnect(filter: (principal: Principal) => boolean, status: StatusName, message: string): number {
    const ended = this.#streams.all().filter((stream) => filter(stream.principal));
    for (const stream of ended) stream.end(status, message);
    this.#status.disconnect(filter, status, message);
    return ended.length;
  }

  /** Gives the streams of a node another view; they are sent the difference. A view not yet published is waited for. */
  rebind(nodeId: string, viewId: string): void {
    for (const stream of this.#streams.ofNode(nodeId)) stream.rebind(viewId);
  }

  /** The state of every admitted stream, computed now. */
  streams(): StreamState[] {
    return this.#streams.all().flatMap((stream) => stream.state ?? []);
  }

  /** Names of a type that the stream has ACKed; empty when there is no such stream. */
  ackedNames(id: number, type: TypeUrl): readonly string[] {
    return [...(this.#streams.byId(id)?.session.types.get(type)?.acked.keys() ?? [])];
  }

  /** Every admitted stream, without its state. */
  streamInfos(): StreamInfo[] {
    return this.#streams.all().flatMap((stream) => stream.info ?? []);
  }

  /** Admitted streams that have something to receive or to ACK: node ids by stream id. */
  behind(): Map<number, string> {
    const behind = this.#streams.all().filter((stream) => stream.behind);
    return new Map(behind.flatMap(({ info }) => (info ? [[info.id, info.node.id] as const] : [])));
  }

  /** How many streams have everything of a change, those included that it does not concern. */
  progress(change: number): Progress {
    const streams = this.#streams.all().filter((stream) => stream.info);
    return { streams: streams.length, acked: streams.filter((s) => s.ledger.ackedChange() >= change).length };
  }

  counters(): XdsCounters {
    const { hits, misses } = this.#frames;
    return { ...this.#counters, encodes: this.#catalog.encodes, frameHits: hits, frameMisses: misses };
  }

  /** Starts to listen. @returns the port */
  async start(options: ListenOptions): Promise<number> {
    const server = new Server({
      interceptors: [this.#authentication.interceptor],
      'grpc.keepalive_time_ms': 30_000, // NET-1, REL-17
      'grpc.keepalive_timeout_ms': 10_000,
      'grpc.max_receive_message_length': this.#limits.maxMessageBytes, // DELTA-16
      'grpc.max_send_message_length': -1,
      // GOAWAY well before streams end by their age; the connection then lives as long as they do.
      'grpc.max_connection_age_ms': this.#limits.streamAgeMs * 0.8,
      'grpc.max_connection_age_grace_ms': this.#limits.streamAgeMs,
      'grpc.max_concurrent_streams': this.#limits.callsPerConnection,
      'grpc.enable_channelz': 0,
    });
    for (const { definition, handlers } of servedServices((call, info) => this.#open(call, info))) {
      server.addService(definition, handlers);
    }
    const { definition, handlers } = this.#status.served;
    server.addService(definition, handlers);
    this.#server = server;
    this.#serveSecrets = options.tls !== 'plaintext' || this.options.secretsOverPlaintext === true;
    const port = await this.#transport.listen(server, options);
    this.#stopChecks = this.options.clock.every(this.#limits.checkMs, () => this.#check());
    return port;
  }

  /** Key and certificate for new connections; the open ones are not touched. */
  replaceTls(material: TlsMaterial): void {
    this.#transport.replaceTls(material);
  }

  /**
   * Stops: no new connection and no new stream, every stream ends with OK, spread over most of the grace so that other replicas are not
   * hit by all clients at once (REL-15, NET-2).
   * @param graceMs 0 = at once
   */
  async stop({ graceMs }: { readonly graceMs: number }): Promise<void> {
    this.#stopping = true;
    this.#transport.stopAccepting(graceMs);
    await this.#streams.endAll(graceMs);
    this.#stopChecks?.();
    this.#server?.forceShutdown();
    this.#transport.close();
  }

  /** A principal sees its own streams, unless the gatekeeper says more (SEC-15). */
  #statusFor(request: Buffer, metadata: Metadata): Uint8Array {
    const principal = this.#authentication.principalOf(metadata);
    const all = this.options.gatekeeper.inspects?.(principal) ?? false;
    const seen = this.#streams.all().filter((stream) => all || stream.principal.id === principal.id);
    return clientStatus(
      request,
      seen.flatMap((stream) => stream.state ?? []),
    );
  }

  /** Lets a call in and counts it, on its principal and on its socket. @throws Denied */
  #enter(call: StatusCall, service: string): { principal: Principal; leave: () => void } {
    // NET-2: whoever comes back on a connection that is about to end is sent to another replica at once.
    if (this.#stopping) throw new Denied('UNAVAILABLE', 'this control plane is shutting down');
    const principal = this.#authentication.principalOf(call.metadata);
    const free = this.#admission.enter(principal, service);
    const peer = call.getPeer();
    this.#transport.streamOpened(peer);
    const leave = once(() => {
      free();
      this.#transport.streamClosed(peer);
    });
    return { principal, leave };
  }

  #open(call: DiscoveryCall, { variant, onlyType, service }: MethodInfo): void {
    try {
      const { principal, leave } = this.#enter(call, service);
      const id = this.#streams.nextId();
      const options = { id, call, principal, peer: call.getPeer(), variant, onlyType };
      this.#streams.add(new XdsStream(options, this.#services), leave);
      this.options.metrics.gauge('xds_streams', this.#streams.size);
    } catch (error) {
      call.on('error', () => {});
      if (error instanceof Denied) endWith(call, error.status, error.message);
      else throw error;
    }
  }

  #check(): void {
    for (const stream of this.#streams.all()) checkStream(stream, this.#services);
    const now = this.options.clock.now();
    this.#status.disconnect(({ expiresAt }) => expiresAt <= now, 'UNAUTHENTICATED', 'the credential has expired');
    this.#admission.sweep();
    this.#reportWork();
  }

  /** Counts what was done since the last check: by the encoding itself would be a call per resource. */
  #reportWork(): void {
    const { encodes, frameHits, frameMisses } = this.counters();
    const { metrics } = this.options;
    metrics.count('xds_encodes_total', {}, encodes - this.#reported.encodes);
    metrics.count('xds_frames_total', { cached: 'yes' }, frameHits - this.#reported.frameHits);
    metrics.count('xds_frames_total', { cached: 'no' }, frameMisses - this.#reported.frameMisses);
    this.#reported = { encodes, frameHits, frameMisses };
  }

  #makeServices(): StreamServices<XdsStream> {
    const { gatekeeper, listener, clock, log, metrics, secrets } = this.options;
    const counter = { encodes: 0 };
    return {
      ...{ gatekeeper, clock, log, metrics, catalog: this.#catalog, frames: this.#frames, limits: this.#limits },
      listener: listener ?? {},
      counters: this.#counters,
      epoch: clock.now().toString(36),
      ready: () => this.#ready.wait(),
      secretsFor: ({ principal, node }, arrived) =>
        secrets && this.#serveSecrets
          ? new StreamSecrets({ source: secrets, principal, node, clock, log, metrics, counter, arrived })
          : undefined,
      admitted: (stream) => this.#streams.named(stream),
      leftovers: new Leftovers(clock),
      enterNode: (nodeId, service) => this.#admission.enterNode(nodeId, service),
      closed: (stream) => {
        this.#fanOut.forget(stream);
        this.#streams.remove(stream);
        metrics.gauge('xds_streams', this.#streams.size);
      },
      dropSocketLater: (peer) => void clock.after(SOCKET_GRACE_MS, () => this.#transport.destroyIdleSocket(peer)),
    };
  }
}
