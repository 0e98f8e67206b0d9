import { featuresOf, MeshGraph } from '#libs/compiler';
import { TYPE } from '#libs/envoy-api';
import { type ProxyIdentity, parseNodeId } from '#libs/kernel';
import { type DeliveryListener, type NackInfo, type StreamInfo, XdsServer } from '#libs/xds';
import { Attachments } from './attachments.js';
import { type ChangeTracing, changeTracing } from './change-tracing.js';
import { Coordinator } from './coordinator.js';
import { CrashGuard } from './crashes/guard.js';
import { claimsOf, TokenGatekeeper, viewFor } from './gatekeeper.js';
import { startJobs } from './jobs.js';
import { StagedWatch } from './lanes/staged-watch.js';
import { MeshHost } from './mesh-host.js';
import { NO_COUNTS, type RuntimeOptions } from './options.js';
import { ProgressRecorder, ProgressTracker } from './progress/index.js';
import type { PublishedChange } from './published.js';
import { standing } from './refusals.js';
import { SpanRecorder } from './spans/recorder.js';
import { attachedOnlyTo } from './status.js';

/** How many changes are remembered to translate change numbers into revisions for status. */
const REMEMBERED_CHANGES = 5_000;

/**
 * The push path of one replica: feed to graph to xDS, and what proxies answer back to the ledger and the store. The
 * only owner of timers and concurrency there; everything it calls is a pure function or does as it is told.
 */
export class Runtime {
  readonly coordinator: Coordinator;
  readonly progress: ProgressTracker;
  readonly attachments: Attachments;
  readonly server: XdsServer;
  /** What staged changes do at the proxies of this replica. */
  readonly staged: StagedWatch;
  readonly spans: SpanRecorder;
  readonly crashes: CrashGuard;
  readonly #revisions = new Map<number, number>();
  /** Who is at the other end of each admitted stream. */
  readonly #identities = new Map<number, ProxyIdentity>();
  /** Config revision at which the quarantine of a mesh was counted. */
  readonly #counted = new Map<string, number>();
  /** Trust domains of a mesh at its newest publication. */
  readonly #trusted = new Map<string, string>();
  #latest = 0;
  readonly #recorder: ProgressRecorder;
  readonly #loaded = new Set<string>();
  readonly #tracing: ChangeTracing | undefined;
  #stopRecorder: (() => void) | undefined;
  #stopJobs: (() => void) | undefined;

  constructor(readonly options: RuntimeOptions) {
    const { store, clock, log, metrics } = options;
    this.progress = new ProgressTracker(clock);
    this.#recorder = new ProgressRecorder({ ...options, tracker: this.progress, progress: store.progress });
    this.attachments = new Attachments({
      instances: store.instances,
      replica: options.replica,
      epoch: options.epoch,
      clock,
      log,
      caughtUp: () => this.#caughtUp(),
    });
    this.crashes = new CrashGuard({
      ...options,
      server: () => this.server,
      caughtUp: () => this.#caughtUp(),
      hostOf: (node) => this.#hostOf(node),
      refused: (stream, nack) => this.withIdentity(stream, ({ mesh }) => this.progress.refused(stream, mesh, nack)),
    });
    this.#tracing = changeTracing({ ...options, feed: store.feed, progress: this.progress });
    this.coordinator = new Coordinator({
      hostOf: (mesh) => new MeshHost(mesh, new MeshGraph({ mesh, policies: options.policies }), options.registry, log),
      publish: (publication) => this.server.publish(publication),
      published: (change) => this.onPublished(change),
      adopted: this.#tracing && ((pass) => this.#tracing?.adopted(pass)),
      ...{ clock, log, metrics },
    });
    this.staged = new StagedWatch({
      hostOf: (mesh) => this.coordinator.hosts.get(mesh),
      streams: () => this.server.streamInfos(),
      counts: options.counts ?? NO_COUNTS,
      clock,
    });
    this.server = new XdsServer({
      gatekeeper: new TokenGatekeeper(options.credentials, this.coordinator, this.attachments, {
        caughtUp: () => this.#caughtUp(),
        clock,
        metrics,
      }),
      secrets: options.secrets,
      listener: this.listener(),
      reports: options.reports ?? [],
      clock,
      log,
      metrics,
    });
    this.spans = new SpanRecorder({
      spans: store.spans,
      holders: this.server,
      replica: options.replica,
      busy: () => this.coordinator.isCompiling,
      ...{ clock, log, metrics },
    });
  }

  /** Everything that is committed now was read and is published. @throws Error when Postgres cannot be asked */
  async #caughtUp(): Promise<void> {
    await this.options.store.feed.poke();
    await this.coordinator.settled();
  }

  /** Loads the full state, then opens the xDS port. @returns the port. */
  async start(): Promise<number> {
    this.#stopRecorder = this.#recorder.start();
    await this.options.store.feed.start((event) => {
      this.options.onEvent?.(event);
      const { badContents, configRevision } = event.kind === 'snapshot' ? event.snapshot : event;
      this.#tracing?.seen(configRevision);
      if (badContents) this.crashes.follow(badContents);
      this.coordinator.onEvent(event);
    });
    await this.coordinator.settled();
    this.crashes.holdFromProxies();
    const port = await this.server.start({
      host: this.options.xds.host,
      port: this.options.xds.port,
      tls: this.options.xds.tls,
    });
    const stops = [startJobs(this), this.spans.start()];
    this.#stopJobs = () => {
      for (const stop of stops) stop();
    };
    return port;
  }

  /** Ends streams gracefully; nothing is detached, so that no endpoint leaves because a control plane does. */
  async stop(graceMs: number): Promise<void> {
    this.#stopJobs?.();
    this.#stopRecorder?.();
    this.spans.note();
    await this.server.stop({ graceMs });
    await this.spans.flush();
    await this.options.store.feed.stop();
  }

  /** Number of the newest publication. */
  get latestChange(): number {
    return this.#latest;
  }

  revisionOf(change: number): number {
    return this.#revisions.get(change) ?? 0;
  }

  private onPublished(change: PublishedChange): void {
    this.#latest = change.change;
    this.#revisions.set(change.change, change.configRevision);
    if (this.#revisions.size > REMEMBERED_CHANGES) this.#revisions.delete(change.change - REMEMBERED_CHANGES);
    this.#countQuarantined(change.mesh);
    this.#renewSecrets(change.mesh);
    if (change.viewsChanged) this.rebindViews(change.mesh);
    if (!this.#loaded.has(change.mesh)) this.#expect(change.mesh);
    this.#loaded.add(change.mesh);
    this.server.whenTold(() => {
      const concerned = change.touched > 0 ? this.behindOf(change.mesh) : new Map<number, string>();
      this.progress.published(change, concerned);
      this.staged.published(change, concerned);
      this.#refusedBefore(change);
    });
  }

  /** Of a change that brings back what was refused, nobody says so again. */
  #refusedBefore(change: PublishedChange): void {
    for (const { stream, nack, isSet } of standing(change, this.server.refusals())) {
      if (this.#identities.get(stream.id)?.mesh !== change.mesh) continue;
      if (isSet) this.progress.refused(stream, change.mesh, nack);
      this.staged.nacked(stream, nack);
    }
  }

  /** Proxies whose only connection was to an earlier process of this replica. */
  #expect(mesh: string): void {
    const instances = this.coordinator.hosts.get(mesh)?.instances ?? [];
    this.progress.expect(mesh, new Set(attachedOnlyTo(this.options.replica, instances)));
  }

  /** Streams of the mesh that have something to receive or to ACK, by id with their node id. */
  private behindOf(mesh: string): Map<number, string> {
    return new Map([...this.server.behind()].filter(([stream]) => this.#identities.get(stream)?.mesh === mesh));
  }

  /** Certificates are issued, and trusted, under other names: the streams of the mesh are given theirs. */
  #renewSecrets(mesh: string): void {
    const host = this.coordinator.hosts.get(mesh);
    if (!host) return;
    const now = [host.trustDomain, ...host.trustDomainAliases].join(' ');
    const before = this.#trusted.get(mesh);
    this.#trusted.set(mesh, now);
    if (before === undefined || before === now) return;
    this.server.secretsChanged((principal) => claimsOf(principal).mesh === mesh);
  }

  /** Counted anew with every config revision, which is where it can change. */
  #countQuarantined(mesh: string): void {
    if (this.#counted.get(mesh) === this.coordinator.configRevision) return;
    this.#counted.set(mesh, this.coordinator.configRevision);
    let count = 0;
    for (const { quarantine } of this.coordinator.hosts.get(mesh)?.resources ?? []) if (quarantine) count += 1;
    this.options.metrics.gauge('heddle_quarantined_resources', count, { mesh });
  }

  /** A view appears when an instance is registered, and changes with its class: live streams follow. */
  private rebindViews(mesh: string): void {
    for (const stream of this.server.streamInfos()) {
      const identity = this.#identities.get(stream.id);
      if (identity?.mesh !== mesh) continue;
      const view = viewFor(this.coordinator, identity);
      if (view !== stream.view) this.server.rebind(stream.node.id, view);
    }
  }

  private listener(): DeliveryListener {
    return {
      streamOpened: (stream) => {
        this.crashes.streamOpened(stream);
        const identity = parseNodeId(stream.node.id);
        if (identity && identity.mesh === claimsOf(stream.principal).mesh) this.#identities.set(stream.id, identity);
        this.progress.opened(stream.id, stream.node.id);
        const version = stream.node.userAgentVersion;
        this.withIdentity(stream, (identity) =>
          this.attachments.opened(identity, stream.id, version, featuresOf(version)),
        );
      },
      streamBegins: (stream, resumed) => {
        this.crashes.streamBegins(stream, resumed);
        this.staged.began(stream, resumed);
      },
      streamClosed: (stream, closing) => {
        this.crashes.streamClosed(stream, closing);
        this.withIdentity(stream, (identity) => this.attachments.closed(identity, stream.id));
        this.progress.closed(stream.id, stream.node.id);
        this.staged.closed(stream, closing.by === 'server');
        this.withIdentity(stream, (identity) => this.spans.closed(stream.id, identity));
        this.#identities.delete(stream.id);
      },
      acked: (stream, type) => this.onAcked(stream, type),
      caughtUp: (stream, change) => {
        this.progress.caughtUp(stream.id, change);
        this.staged.caughtUp(stream, change);
        this.withIdentity(stream, (identity) => this.spans.caughtUp(stream.id, identity, this.revisionOf(change)));
      },
      nacked: (stream, nack) => this.onNacked(stream, nack),
    };
  }

  /** Says again what rows do not know of live streams: they may have been changed, restored or made anew behind our back. */
  reassert(): void {
    this.attachments.reassert(({ mesh, namespace, instance }) =>
      this.coordinator.hosts.get(mesh)?.instance(namespace, instance),
    );
    for (const stream of this.server.streamInfos()) this.noteServing(stream);
  }

  private onAcked(stream: StreamInfo, type: string): void {
    if (type === TYPE.listener || type === TYPE.secret) this.noteServing(stream);
  }

  private noteServing(stream: StreamInfo): void {
    this.withIdentity(stream, (identity) => {
      const row = this.coordinator.hosts.get(identity.mesh)?.instance(identity.namespace, identity.instance);
      if (row && !row.routable && !row.leaving && this.serves(stream)) this.attachments.markRoutable(identity);
    });
  }

  /** Its inbound listener and its certificate are ACKed: it can take traffic. */
  private serves(stream: StreamInfo): boolean {
    const acked = (type: string): readonly string[] => this.server.ackedNames(stream.id, type);
    return acked(TYPE.listener).some((name) => name.startsWith('inbound/')) && acked(TYPE.secret).includes('identity');
  }

  private onNacked(stream: StreamInfo, nack: NackInfo): void {
    this.options.log.warn('a proxy refused configuration', {
      proxy: stream.node.id,
      type: nack.type,
      names: nack.names,
      reason: nack.message,
    });
    this.withIdentity(stream, ({ mesh }) => this.progress.refused(stream, mesh, nack));
    this.staged.nacked(stream, nack);
  }

  #hostOf(node: string): string | undefined {
    const identity = parseNodeId(node);
    return identity && this.coordinator.hosts.get(identity.mesh)?.instance(identity.namespace, identity.instance)?.host;
  }

  private withIdentity(stream: StreamInfo, use: (identity: ProxyIdentity) => void): void {
    const identity = this.#identities.get(stream.id);
    if (identity) use(identity);
  }
}
