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
import { HeldBack } from './serving/held-back.js';
import { Leftovers } from './serving/leftovers.js';
import { discoveryMethods, type Handler, type MethodInfo } from './serving/methods.js';
import { Readiness } from './serving/readiness.js';
import { ReportService, type ReportServiceOptions } from './serving/report-service.js';
import { READ_BEYOND_LIMIT } from './serving/requests.js';
import { ServedStreams } from './serving/served-streams.js';
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
import type { Principal, Publication } from './types.js';
import { Denied } from './types.js';

const SOCKET_GRACE_MS = 2_000;
/** Signs of life are given by the checks of streams, three to a lifetime. */
const MIN_TTL_CHECKS = 3;

/**
 * An xDS server: ADS and the single-type services, delta and state-of-the-world. The embedding program publishes
 * resources, layers and views, says who may have which view, and is told what was delivered.
 */
export class XdsServer extends ServedStreams {
  readonly #limits: Limits;
  readonly #catalog: Catalog;
  readonly #frames: FrameCache;
  readonly #fanOut = new FanOut();
  /** What is not sent though views have it. */
  readonly heldBack: HeldBack;
  readonly #spreading = new Spreading({
    monotonic: () => this.options.clock.monotonic(),
    wake: (woken) => this.#fanOut.wake(woken ? this.registry.of(woken) : this.registry.all()),
  });
  readonly #ready: Readiness;
  readonly #admission: Admission;
  readonly #reports: ReportService;
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
  readonly #methods: ReadonlyMap<string, Handler>;
  readonly #services: StreamServices<XdsStream>;
  #serveSecrets = false;
  #stopping = false;
  #stopChecks: (() => void) | undefined;

  constructor(private readonly options: XdsServerOptions) {
    super(new StreamRegistry());
    const { clock, log, metrics, gatekeeper } = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#catalog = new Catalog(MIN_TTL_CHECKS * this.#limits.checkMs);
    this.heldBack = new HeldBack(this.#catalog, (nodes) => this.#lookAgain(nodes));
    this.#frames = new FrameCache(this.#limits.frameCacheBytes);
    this.#ready = new Readiness(clock, this.#limits.readyWaitMs);
    this.#admission = new Admission(this.#limits, clock, metrics);
    const busy = (): boolean => this.#fanOut.busy;
    const work = { limits: this.#limits, clock, log, metrics, busy };
    this.#listener = new Listener(work);
    const gate = new Gate({ ...work, name: 'stream', places: this.#limits.initialPushes });
    this.#authentication = new Authentication({ gatekeeper, gate, log, metrics });
    this.#reports = this.#makeReports();
    const discovery = discoveryMethods((...call) => this.#open(...call));
    this.#methods = new Map([...discovery, ...this.#status.methods, ...this.#reports.methods]);
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
    this.heldBack.settle();
    this.#spreading.tell(news);
    this.options.metrics.gauge('xds_resources', this.#catalog.resources);
  }

  /** Does it once every stream knows what it has to look at of the newest publication: now, unless that was very large. */
  whenTold(task: () => void): void {
    this.#spreading.whenTold(task);
  }

  /** Asks the secret source again for the streams of these principals; all by default. */
  secretsChanged(filter: (principal: Principal) => boolean = () => true): void {
    for (const stream of this.registry.all()) if (filter(stream.principal)) stream.refreshSecrets();
  }

  /** Ends the streams of these principals, as when a credential is revoked (SEC-5). @returns how many */
  disconnect(filter: (principal: Principal) => boolean, status: StatusName, message: string): number {
    const ended = this.registry.all().filter((stream) => filter(stream.principal));
    for (const stream of ended) stream.end(status, message);
    this.#status.disconnect(filter, status, message);
    this.#reports.disconnect(filter, status, message);
    return ended.length;
  }

  /** Gives the streams of a node another view; they are sent the difference. A view not yet published is waited for. */
  rebind(nodeId: string, viewId: string): void {
    for (const stream of this.registry.ofNode(nodeId)) stream.rebind(viewId);
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
    await this.registry.endAll(graceMs);
    this.#reports.disconnect(() => true, 'OK', '');
    this.#stopChecks?.();
    this.#listener.close();
  }

  /** A principal sees its own streams, unless the gatekeeper says more (SEC-15). */
  #statusFor(request: Buffer, principal: Principal): Uint8Array {
    const all = this.options.gatekeeper.inspects?.(principal);
    const seen = this.registry.all().filter((stream) => all || stream.principal.id === principal.id);
    return clientStatus(
      request,
      seen.flatMap((stream) => stream.state ?? []),
    );
  }

  /** Lets a call in and counts it, on its principal and on its socket. @returns gives its place back @throws Denied */
  #enter({ peer }: Call, principal: Principal, service: string, admission = this.#admission): () => void {
    // NET-2: whoever comes back on a connection that is about to end is sent to another replica at once.
    if (this.#stopping) throw new Denied('UNAVAILABLE', 'this control plane is shutting down');
    const free = admission.enter(principal, service);
    this.#listener.streamOpened(peer);
    return once(() => {
      free();
      this.#listener.streamClosed(peer);
    });
  }

  /** @param nodes undefined = all */
  #lookAgain(nodes: readonly (string | undefined)[]): void {
    for (const node of nodes) {
      const streams = node === undefined ? this.registry.all() : this.registry.ofNode(node);
      for (const stream of streams) stream.touchAll();
      this.#fanOut.wake(streams);
    }
  }

  #open(call: Call, { principal, leave: served }: Admitted, { variant, onlyType, service }: MethodInfo): void {
    try {
      const leave = this.#enter(call, principal, service);
      const forget = this.options.clock.after(this.#limits.initialPushMs, served);
      const done = (): void => {
        forget();
        served();
      };
      const options = { id: this.registry.nextId(), call, principal, variant, onlyType, served: done };
      this.registry.add(new XdsStream(options, this.#services), () => {
        done();
        leave();
      });
      this.options.metrics.gauge('xds_streams', this.registry.size);
    } catch (error) {
      served();
      if (!(error instanceof Denied)) throw error;
      call.end(error.status, error.message);
    }
  }

  #check(): void {
    for (const stream of this.registry.all()) checkStream(stream, this.#services);
    const now = this.options.clock.now();
    this.#status.disconnect(({ expiresAt }) => expiresAt <= now, 'UNAUTHENTICATED', 'the credential has expired');
    this.#reports.check();
    this.#admission.sweep();
    this.#work.report(this.counters(), this.options.metrics);
  }

  #makeReports(): ReportService {
    const { clock, log, metrics, reports = [] } = this.options;
    const enter: ReportServiceOptions['enter'] = (...call) => this.#enter(...call);
    return new ReportService({ limits: this.#limits, clock, log, metrics, enter }, reports);
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
      admitted: (stream) => this.registry.named(stream),
      leftovers: new Leftovers(clock),
      heldBack: this.heldBack,
      enterNode: (nodeId, service) => this.#admission.enterNode(nodeId, service),
      closed: (stream) => {
        this.#fanOut.forget(stream);
        this.registry.remove(stream);
        this.#reports.follow(stream.options.call.peer);
        metrics.gauge('xds_streams', this.registry.size);
      },
      dropSocketLater: (peer) => void clock.after(SOCKET_GRACE_MS, () => this.#listener.destroyIdleSocket(peer)),
    };
  }
}
