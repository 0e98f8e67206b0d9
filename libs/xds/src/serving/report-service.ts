import type { Clock, Log, Metrics } from '#libs/kernel';
import { type Limits, limitHit } from '../limits.js';
import type { ReportMethod, ReportStream } from '../reports.js';
import type { Call, StatusName } from '../transport/call.js';
import type { Admitted } from '../transport/carrier.js';
import type { Principal } from '../types.js';
import { WholeMessage } from '../wire/message.js';
import { RequestTooLarge } from '../wire/request.js';
import { Admission } from './admission.js';
import { denialOf } from './failure.js';
import type { Handler } from './methods.js';

export interface ReportServiceOptions {
  readonly limits: Limits;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Takes a place for a stream, and one of this admission. @returns gives them back @throws Denied */
  enter(call: Call, principal: Principal, service: string, admission: Admission | undefined): () => void;
}

interface Open {
  readonly method: ReportMethod;
  readonly limits: Limits;
  readonly principal: Principal;
  readonly stream: ReportStream;
  /** Milliseconds of the monotonic clock. */
  readonly openedAt: number;
  /** Bytes that may be read at once; below 0 nothing is, until it has grown back. */
  allowance: number;
  allowedAt: number;
}

/** Each message costs at least this much of the allowance, so that empty ones are bounded, too. Bytes. */
const LEAST_BYTES = 256;
const NOTHING = new WholeMessage(Buffer.alloc(0));

/**
 * Streams of clients that report to the embedding program (`ReportMethod`). Who sends too much is not read for a while
 * rather than cut off: its client would only come back.
 */
export class ReportService {
  readonly #streams = new Map<Call, Open>();
  /** By path; apart from that of the discovery services, so that reports never take the place of configuration. */
  readonly #admissions: ReadonlyMap<string, Admission>;
  readonly #byPeer = new Map<string, Set<Call>>();

  constructor(
    private readonly options: ReportServiceOptions,
    private readonly reportMethods: readonly ReportMethod[],
  ) {
    const { limits, clock, metrics } = options;
    this.#admissions = new Map(
      reportMethods.map((method) => [method.path, new Admission({ ...limits, ...method.limits }, clock, metrics)]),
    );
  }

  /** By path. */
  get methods(): [string, Handler][] {
    return this.reportMethods.map((method) => [method.path, (call, admitted) => this.#open(call, admitted, method)]);
  }

  /** Ends the streams of these principals. */
  disconnect(filter: (principal: Principal) => boolean, name: StatusName, details: string): void {
    for (const [call, { principal }] of this.#streams) if (filter(principal)) call.end(name, details);
  }

  /**
   * A discovery stream of this socket is gone, and its client perhaps with another replica now (NET-2): its next report
   * shall go where its configuration comes from.
   */
  follow(peer: string): void {
    for (const call of [...(this.#byPeer.get(peer) ?? [])]) call.end('OK', '');
  }

  /** Ends what is over its time: an expired credential (SEC-5), or a stream beside which there is none that it could follow. */
  check(): void {
    for (const admission of this.#admissions.values()) admission.sweep();
    const { clock, limits } = this.options;
    const [now, monotonic] = [clock.now(), clock.monotonic()];
    for (const [call, { principal, openedAt }] of this.#streams) {
      if (principal.expiresAt <= now) call.end('UNAUTHENTICATED', 'the credential has expired');
      else if (monotonic - openedAt > limits.streamAgeMs) call.end('OK', '');
    }
  }

  #open(call: Call, admitted: Admitted, method: ReportMethod): void {
    const { principal } = admitted;
    admitted.leave();
    let leave = (): void => {};
    try {
      leave = this.options.enter(call, principal, method.path, this.#admissions.get(method.path));
      const stream = method.open({ principal, peer: call.peer });
      const now = this.options.clock.monotonic();
      const limits = { ...this.options.limits, ...method.limits };
      const allowance = limits.maxReportBytes;
      this.#add(call, { method, limits, principal, stream, openedAt: now, allowance, allowedAt: now });
      call.listen({
        message: (bytes) => this.#onMessage(call, bytes),
        halfClosed: () => this.#answer(call),
        closed: () => {
          leave();
          this.#remove(call);
        },
      });
    } catch (error) {
      leave();
      this.#fail(call, method, principal, error);
    }
  }

  #onMessage(call: Call, bytes: Buffer): void {
    const open = this.#streams.get(call);
    if (!open) return;
    try {
      const { maxReportBytes } = this.options.limits;
      if (bytes.length > maxReportBytes) {
        throw new RequestTooLarge(
          'maxReportBytes',
          `a message of ${bytes.length} bytes; it may have ${maxReportBytes}`,
        );
      }
      open.stream.message(bytes);
      this.#charge(call, open, Math.max(bytes.length, LEAST_BYTES));
    } catch (error) {
      this.#fail(call, open.method, open.principal, error);
    }
  }

  /** A token bucket that may run into debt, for which the client waits. */
  #charge(call: Call, open: Open, bytes: number): void {
    const { clock, metrics } = this.options;
    const { maxReportBytes, reportBytesPerSecond } = open.limits;
    const now = clock.monotonic();
    const grown = ((now - open.allowedAt) / 1000) * reportBytesPerSecond;
    open.allowance = Math.min(maxReportBytes, open.allowance + grown) - bytes;
    open.allowedAt = now;
    if (open.allowance >= 0) return;
    limitHit(metrics, 'reportBytesPerSecond');
    call.pause();
    clock.after(Math.ceil((-open.allowance / reportBytesPerSecond) * 1000), () => call.resume());
  }

  /** A client that says that it has reported everything gets its answer. */
  #answer(call: Call): void {
    call.write(NOTHING, () => {});
    call.end('OK', '');
  }

  #fail(call: Call, { path }: ReportMethod, principal: Principal, error: unknown): void {
    this.#remove(call); // whatever else it has sent is not read
    const { status, message } = denialOf(error, this.options, {
      peer: call.peer,
      service: path,
      principal: principal.id,
    });
    call.end(status, message);
  }

  #add(call: Call, open: Open): void {
    this.#streams.set(call, open);
    const ofPeer = this.#byPeer.get(call.peer);
    if (ofPeer) ofPeer.add(call);
    else this.#byPeer.set(call.peer, new Set([call]));
  }

  #remove(call: Call): void {
    const open = this.#streams.get(call);
    this.#streams.delete(call);
    const ofPeer = this.#byPeer.get(call.peer);
    ofPeer?.delete(call);
    if (ofPeer?.size === 0) this.#byPeer.delete(call.peer);
    open?.stream.closed();
  }
}
