import type { LogFields } from '#libs/kernel';
import { traitsOf } from '../client-traits.js';
import type { Pumpable } from '../fan-out.js';
import { Ledger } from '../ledger.js';
import { type Outcome, type Outgoing, Session } from '../session.js';
import type { StatusName } from '../transport/call.js';
import type { TypeSpec } from '../type-specs.js';
import type { Closing, NodeInfo, Principal, StreamInfo, StreamState, TypeUrl } from '../types.js';
import { Denied } from '../types.js';
import type { ViewRecord, Watcher } from '../view-record.js';
import { decodeNode } from '../wire/node.js';
import { decodeDeltaRequest, decodeSotwRequest, type Request } from '../wire/request.js';
import { denialOf } from './failure.js';
import { nonceMaker } from './nonces.js';
import { Outbox } from './outbox.js';
import { bringsState, checkNode, checkSize, requestedType } from './requests.js';
import type { StreamOptions } from './stream-options.js';
import type { StreamServices } from './stream-services.js';
import { StreamSource } from './stream-source.js';

/**
 * One stream: reads requests, asks the session what to answer, and writes. It never blocks another, and queues no more than
 * one response of a type. Two streams of one node know nothing of each other (GEN-14).
 */
export class XdsStream implements Watcher, Pumpable {
  readonly openedAt: number;
  readonly ledger: Ledger;
  readonly session: Session;
  readonly outbox: Outbox;
  /** The watchdog's: the alarm for a missing view was raised; until when (monotonic) it need not look unless something happens. */
  readonly watch = { viewAlarmed: false, quietUntil: 0 };
  #info: StreamInfo | undefined;
  readonly #source: StreamSource;
  #closed = false;
  #leaveNode: (() => void) | undefined;
  #unknownTypeLogged = false;

  constructor(
    readonly options: StreamOptions,
    private readonly services: StreamServices<XdsStream>,
  ) {
    const { clock, limits, listener, spreading } = services;
    this.openedAt = clock.now();
    this.outbox = new Outbox(options.call, services, () => this.pump());
    this.#source = new StreamSource(spreading);
    const held = (type: TypeUrl, name: string) => this.session.types.get(type)?.acked.get(name)?.version;
    this.session = new Session({
      variant: options.variant,
      aggregated: options.onlyType === undefined,
      source: services.heldBack.over(this.#source, { node: () => this.#info?.node.id, acked: held }),
      limits,
      sets: services.sets,
      nextNonce: nonceMaker(services.epoch),
    });
    this.ledger = new Ledger(this.session, listener, clock);
    this.#listen();
  }

  get principal(): Principal {
    return this.options.principal;
  }

  /** Known once the client was admitted. */
  get info(): StreamInfo | undefined {
    return this.#info;
  }

  /** True once its view is published: before that it is sent nothing. */
  get hasView(): boolean {
    return this.#source.view?.ready ?? false;
  }

  /** True while something is to be sent, held back, or not yet ACKed. */
  get behind(): boolean {
    return this.session.ordered.some((delivery) => !delivery.settled);
  }

  get state(): StreamState | undefined {
    return this.#info && { stream: this.#info, types: this.ledger.states() };
  }

  #listen(): void {
    this.options.call.listen({
      message: (bytes) => this.#onMessage(bytes),
      halfClosed: () => this.end('OK', '', 'client'), // GEN-15
      closed: () => this.#close('client'),
    });
  }

  #onMessage(bytes: Buffer): void {
    if (this.#closed) return;
    try {
      checkSize(bytes, this.services.limits.maxMessageBytes);
      const decode = this.options.variant === 'delta' ? decodeDeltaRequest : decodeSotwRequest;
      const request: Request = decode(bytes, this.services.limits);
      if (this.#info) this.#handle(request);
      else this.#begin(request);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The first message says who the node is; no other is read until it is admitted. */
  #begin(request: Request): void {
    const node = request.node && decodeNode(request.node);
    // GEN-2
    if (!node?.id) throw new Denied('INVALID_ARGUMENT', 'the first message must carry node.id');
    this.options.call.pause();
    this.#admit(node)
      .then(
        () => {
          if (this.#closed || !this.#info) return;
          this.services.listener.streamBegins?.(this.#info, bringsState(request));
          this.#handle(request);
          this.outbox.whenEmpty(this.options.served);
          this.options.call.resume();
        },
        (error: unknown) => this.#fail(error),
      )
      .catch((error: unknown) => this.#fail(error));
  }

  async #admit(node: NodeInfo): Promise<void> {
    const { gatekeeper, clock, catalog, listener } = this.services;
    // GEN-16: before the first publication there is nothing that could be answered truthfully.
    if (!(await this.services.ready())) throw new Denied('UNAVAILABLE', 'no configuration is loaded yet');
    const view = await gatekeeper.admit(this.principal, node);
    if (this.#closed) return;
    if (this.principal.shared) this.#leaveNode = this.services.enterNode(node.id, this.#service);
    const { id, call, variant } = this.options;
    this.#info = { id, principal: this.principal, node, view, peer: call.peer, variant, openedAt: clock.now() };
    this.session.client = traitsOf(node, variant);
    this.session.leftOf = (type) => this.services.leftovers.of(this.#client, type);
    this.#source.secrets = this.services.secretsFor(this.#info, (name, asked) => this.#onSecret(name, asked));
    this.#follow(catalog.view(view));
    this.services.admitted(this);
    listener.streamOpened?.(this.#info);
  }

  /** The client belongs to another view from now on. What it holds of the old one is compared, not sent again. */
  rebind(viewId: string): void {
    if (!this.#info || this.#closed || this.#info.view === viewId) return;
    this.#info = { ...this.#info, view: viewId };
    this.#follow(this.services.catalog.view(viewId));
    this.touchAll();
    this.pump();
  }

  #follow(view: ViewRecord): void {
    this.#unfollow();
    this.#source.view = view;
    view.watchers.add(this);
  }

  #unfollow(): void {
    const { view } = this.#source;
    if (!view) return;
    view.watchers.delete(this);
    this.services.catalog.release(view);
    this.#source.view = undefined;
  }

  #handle(request: Request): void {
    const { metrics, counters } = this.services;
    checkNode(request, this.#info?.node.id);
    const spec = this.#typeOf(request.typeUrl);
    if (!spec) return;
    counters.requests++;
    metrics.count('xds_requests_total', { type: spec.short });
    this.#report(this.session.receive(request, spec, this.services.clock.now()));
    this.pump();
  }

  #typeOf(url: TypeUrl): TypeSpec | undefined {
    const spec = requestedType(url, this.options);
    // GEN-4: a client with further types must keep the ones that are served.
    if (!spec && !this.#unknownTypeLogged) {
      this.#unknownTypeLogged = true;
      const typeUrl = url.slice(0, 200);
      this.services.log.info('a client asks for an unknown resource type', { ...this.#fields(), typeUrl });
    }
    return spec;
  }

  #report({ delivery, acked, nacked, secrets, unwanted }: Outcome): void {
    const info = this.#info;
    if (!info) return;
    const { metrics, log, clock } = this.services;
    const type = delivery.spec.short;
    if (acked) {
      metrics.count('xds_acks_total', { type });
      this.ledger.acked(info, delivery, acked);
      const now = clock.monotonic();
      metrics.observe('xds_ack_seconds', (now - acked.sentAt) / 1000, { type });
      this.session.recent.acked(acked, now);
    }
    if (nacked) {
      metrics.count('xds_nacks_total', { type });
      log.warn('a client refused a response', { ...this.#fields(), ...nacked, type, names: nacked.names.slice(0, 20) });
      this.ledger.nacked(info, nacked);
    }
    for (const name of unwanted) this.#source.secrets?.drop(name);
    for (const { name, held } of secrets) this.#source.secrets?.want(name, held);
  }

  touch(type: TypeUrl, names: ReadonlySet<string>): void {
    this.session.touch(type, names, this.services.clock.now());
  }

  touchAll(): void {
    this.session.touchAll(this.services.clock.now());
  }

  /** Secrets may have changed at their source. */
  refreshSecrets(): void {
    this.#source.secrets?.refresh();
  }

  #onSecret(name: string, asked: boolean): void {
    this.session.secretArrived(name, asked, this.services.clock.now());
    this.pump();
  }

  /** Sends what may be sent. A mistake of ours ends this stream, no other, and not the process (REL-20). */
  pump(): void {
    this.watch.quietUntil = 0;
    try {
      this.#pump();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** At most one response of each type, in the order of ORD-1. */
  #pump(): void {
    const info = this.#info;
    if (this.#closed || !info || !this.#source.view?.ready) return;
    this.session.turns((delivery) => {
      // NET-4: what the socket does not take is not produced; the newest state goes out when it does.
      if (this.outbox.full) return false;
      const outgoing = this.session.next(delivery, this.services.clock.monotonic(), this.#source.view?.version);
      if (outgoing) this.#send(outgoing);
      return true;
    });
    this.ledger.settle(info);
  }

  #send({ delivery, flight, form, version }: Outgoing): void {
    const content = { ...flight, variant: this.options.variant, form, type: delivery.spec.url, version };
    this.outbox.write(this.services.frames.message(content, flight.nonce), delivery.spec.short);
  }

  #fail(error: unknown): void {
    const { status, message } = denialOf(error, this.services, this.#fields());
    this.end(status, message);
  }

  /** Ends the stream. The status may never reach a client that does not read; its socket is dropped a little later. */
  end(status: StatusName, message: string, by: Closing['by'] = 'server'): void {
    if (this.#closed) return;
    const { stuck } = this.outbox;
    this.#close(by);
    if (status !== 'OK') this.services.metrics.count('xds_streams_ended_total', { status });
    this.options.call.end(status, message);
    if (stuck) this.services.dropSocketLater(this.options.call.peer);
  }

  #close(by: Closing['by']): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#unfollow();
    this.#leaveNode?.();
    this.#source.secrets?.close();
    this.services.closed(this);
    if (!this.#info) return;
    this.services.leftovers.leave(this.#client, this.session);
    this.services.listener.streamClosed?.(this.#info, this.session.closing(by, this.services.clock.monotonic()));
  }

  get #client(): string {
    return `${this.principal.id}\n${this.#info?.node.id}\n${this.#service}`;
  }

  get #service(): string {
    return this.options.onlyType?.short ?? 'ADS';
  }

  #fields(): LogFields {
    const { id, call } = this.options;
    return {
      stream: id,
      peer: call.peer,
      service: this.#service,
      principal: this.principal.id,
      node: this.#info?.node.id ?? '',
    };
  }
}
