import { SERVICE } from '#libs/envoy-api';
import { Catalog } from './catalog.js';
import { SharedSets } from './delivery/holdings.js';
import { FanOut } from './fan-out.js';
import { FrameCache } from './frames.js';
import { DEFAULT_LIMITS, type Limits, limitHit } from './limits.js';
import { StreamSecrets } from './secrets.js';
import type { XdsServerOptions } from './server-options.js';
import { Admission, once } from './serving/admission.js';
import { Authentication } from './serving/authentication.js';
import { clientStatus } from './serving/client-status.js';
import { Gate } from './serving/gate/gate.js';
import { Leftovers } from './serving/leftovers.js';
import { discoveryMethods, type MethodInfo } from './serving/methods.js';
import { Readiness } from './serving/readiness.js';
import { READ_BEYOND_LIMIT } from './serving/requests.js';
import { StatusService } from './serving/status-service.js';
import { XdsStream } from './serving/stream.js';
import { StreamRegistry } from './serving/stream-registry.js';
import type { StreamServices, WireCounters } from './serving/stream-services.js';
import { checkStream } from './serving/watchdog.js';
import { WorkReport, type XdsCounters } from './serving/work-report.js';
import { Spreading } from './spreading.js';
import type { Call, StatusName } from './transport/call.js';
import type { Admitted, Carrier, CarrierOptions, TlsMaterial } from './transport/carrier.js';
import { Listener, type ListenOptions } from './transport/listener.js';
import { makeCarrier } from './transport/make-carrier.js';
import type { Principal, Publication, StreamInfo, StreamState, TypeUrl } from './types.js';
import { Denied } from './types.js';

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
  readonly #spreading = new Spreading({
    monotonic: () => this.options.clock.monotonic(),
    wake: (woken) => this.#fanOut.wake(woken ? this.#streams.of(woken) : this.#streams.all()),
  });
  readonly #ready: Readiness;
  readonly #admission: Admission;
  readonly #authentication: Authentication;
  readonly #listener: Listener;
  readonly #status = new StatusService({
    answer: (request, principal) => this.#statusFor(request, principal),
    enter: (call, { principal, leave }) => {
      leave();
      return this.#enter(call, principal, SERVICE.csds);
    },
  });
  readonly #counters: WireCounters = { requests: 0, responses: 0, bytesSent: 0 };
  readonly #work = new WorkReport();
  readonly #methods = new Map([...discoveryMethods((...call) => this.#open(...call)), ...this.#status.methods]);
  readonly #services: StreamServices<XdsStream>;
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
    const busy = (): boolean => this.#fanOut.busy;
    const work = { limits: this.#limits, clock, log, metrics, busy };
    this.#listener = new Listener(work);
    const gate = new Gate({ ...work, name: 'stream', places: this.#limits.initialPushes });
    this.#authentication = new Authentication({ gatekeeper, gate, log, metrics });
    this.#services = this.#makeServices();
  }

  /**
   * Makes a publication the state that is served: at once and as a whole. Streams that follow something it changes are
   * sent it; a first part of them before this returns, unless there is so much that it is told in several turns.
   * @throws Error, with nothing changed, if change numbers do not grow or a key changes its type or name
   */
  publish(publication: Publication): void {
    const news = this.#catalog.publish(publication);
    this.#ready.set();
    this.#spreading.tell(news);
    this.options.metrics.gauge('xds_resources', this.#catalog.resources);
  }

  /** Does it once every stream knows what it has to look at of the newest publication: now, unless that was very large. */
  whenTold(task: () => void): void {
    this.#spreading.whenTold(task);
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

  /** Paths of all methods, those that are refused included. */
  get methods(): string[] {
    return [...this.#methods.keys()];
  }

  /** Starts to listen. @returns the port */
  async start(options: ListenOptions): Promise<number> {
    this.#serveSecrets = options.tls !== 'plaintext' || this.options.secretsOverPlaintext === true;
    const port = await this.#listener.listen(this.#carrier(options), options);
    this.#stopChecks = this.options.clock.every(this.#limits.checkMs, () => this.#check());
    return port;
  }

  #carrier({ tls }: ListenOptions): Carrier {
    const limits = this.#limits;
    const options: CarrierOptions = {
      ...limits,
      methods: this.#methods,
      maxMessageBytes: limits.maxMessageBytes * READ_BEYOND_LIMIT,
      admit: (headers, peer) => this.#authentication.admit(headers, peer),
      tooSlow: () => limitHit(this.options.metrics, 'messageMs'),
      tls: tls === 'plaintext' ? undefined : tls,
      // GOAWAY well before streams end by their age; the connection then lives as long as they do.
      connectionAgeMs: limits.streamAgeMs * 0.8,
      connectionAgeGraceMs: limits.streamAgeMs,
    };
    return makeCarrier(this.options.transport ?? 'http2', options, this.options.clock);
  }

  /** Key and certificate for new connections; the open ones are not touched. */
  replaceTls(material: TlsMaterial): void {
    this.#listener.replaceTls(material);
  }

  /**
   * No new connection and no new stream; every stream ends with OK, spread over most of the grace so that other replicas
   * are not hit by all clients at once (REL-15, NET-2). A grace of 0 is at once.
   */
  async stop({ graceMs }: { readonly graceMs: number }): Promise<void> {
    this.#stopping = true;
    this.#listener.stopAccepting(graceMs);
    await this.#streams.endAll(graceMs);
    this.#stopChecks?.();
    this.#listener.close();
  }

  /** A principal sees its own streams, unless the gatekeeper says more (SEC-15). */
  #statusFor(request: Buffer, principal: Principal): Uint8Array {
    const all = this.options.gatekeeper.inspects?.(principal);
    const seen = this.#streams.all().filter((stream) => all || stream.principal.id === principal.id);
    return clientStatus(
      request,
      seen.flatMap((stream) => stream.state ?? []),
    );
  }

  /** Lets a call in and counts it, on its principal and on its socket. @returns gives its place back @throws Denied */
  #enter({ peer }: Call, principal: Principal, service: string): () => void {
    // NET-2: whoever comes back on a connection that is about to end is sent to another replica at once.
    if (this.#stopping) throw new Denied('UNAVAILABLE', 'this control plane is shutting down');
    const free = this.#admission.enter(principal, service);
    this.#listener.streamOpened(peer);
    return once(() => {
      free();
      this.#listener.streamClosed(peer);
    });
  }

  #open(call: Call, { principal, leave: served }: Admitted, { variant, onlyType, service }: MethodInfo): void {
    try {
      const leave = this.#enter(call, principal, service);
      this.options.clock.after(this.#limits.initialPushMs, served);
      const options = { id: this.#streams.nextId(), call, principal, variant, onlyType, served };
      this.#streams.add(new XdsStream(options, this.#services), () => {
        served();
        leave();
      });
      this.options.metrics.gauge('xds_streams', this.#streams.size);
    } catch (error) {
      served();
      if (!(error instanceof Denied)) throw error;
      call.end(error.status, error.message);
    }
  }

  #check(): void {
    for (const stream of this.#streams.all()) checkStream(stream, this.#services);
    const now = this.options.clock.now();
    this.#status.disconnect(({ expiresAt }) => expiresAt <= now, 'UNAUTHENTICATED', 'the credential has expired');
    this.#admission.sweep();
    this.#work.report(this.counters(), this.options.metrics);
  }

  #makeServices(): StreamServices<XdsStream> {
    const { gatekeeper, listener, clock, log, metrics, secrets } = this.options;
    const counter = { encodes: 0 };
    return {
      ...{
        gatekeeper,
        clock,
        log,
        metrics,
        catalog: this.#catalog,
        spreading: this.#spreading,
        frames: this.#frames,
        sets: new SharedSets(),
        limits: this.#limits,
      },
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
      dropSocketLater: (peer) => void clock.after(SOCKET_GRACE_MS, () => this.#listener.destroyIdleSocket(peer)),
    };
  }
}
