import { TYPE } from '#libs/envoy-api';
import type { FakeNode, ReceivedResource, ReceivedResponse, RequestFields } from './messages.js';
import { nameOf } from './names.js';
import { RawStream, type RawStreamOptions, type StreamEnd, type Variant } from './raw-stream.js';
import { ResponseChecks } from './response-checks.js';

export interface FakeXdsClientOptions
  extends Pick<RawStreamOptions, 'address' | 'token' | 'service' | 'caPem' | 'serverName'> {
  readonly node: FakeNode;
  /** `delta` by default. */
  readonly variant?: Variant;
  /**
   * Decides about each response: `undefined` accepts it, a text refuses it with these words, `SILENCE`
   * answers nothing. Accepts everything by default.
   */
  readonly judge?: (response: ReceivedResponse) => string | typeof SILENCE | undefined;
}

/** A verdict that leaves a response unanswered. */
export const SILENCE = Symbol('silence');

/** What the client holds of one type. */
interface Holding {
  wildcard: boolean;
  readonly names: Set<string>;
  readonly resources: Map<string, ReceivedResource>;
  lastNonce: string;
  lastVersion: string;
  /** State-of-the-world: the first request was sent on this stream. */
  requested: boolean;
}

/** The order in which Envoy asks for its types after a reconnect. */
const RECONNECT_ORDER = [
  ...[TYPE.cluster, TYPE.endpoint, TYPE.secret, TYPE.listener, TYPE.scopedRoute, TYPE.route],
  ...[TYPE.extension, TYPE.runtime, TYPE.lbEndpoint, TYPE.virtualHost],
];

/** What a single-type service carries. */
const TYPE_OF_SERVICE: ReadonlyMap<string, string> = new Map([
  ['cds', TYPE.cluster],
  ['eds', TYPE.endpoint],
  ['lds', TYPE.listener],
  ['rds', TYPE.route],
  ['srds', TYPE.scopedRoute],
  ['sds', TYPE.secret],
  ['rtds', TYPE.runtime],
  ['ecds', TYPE.extension],
  ['vhds', TYPE.virtualHost],
  ['leds', TYPE.lbEndpoint],
]);

/**
 * An xDS client for tests and benchmarks: subscribes, answers, keeps what it is sent, and reconnects as Envoy does. It
 * checks every response for what the protocol forbids in every case (`ResponseChecks`), and nothing of the contents.
 */
export class FakeXdsClient {
  readonly responses: ReceivedResponse[] = [];
  /** What was wrong with responses. Waiting for anything fails when there is something. */
  readonly faults: string[] = [];
  bytesReceived = 0;
  /** How the last stream ended; `undefined` while one is open. */
  ended: StreamEnd | undefined;
  readonly #holdings = new Map<string, Holding>();
  readonly #waiting = new Set<() => void>();
  #stream: RawStream | undefined;
  #nodeSent = false;
  #judge: NonNullable<FakeXdsClientOptions['judge']>;

  constructor(private readonly options: FakeXdsClientOptions) {
    this.#judge = options.judge ?? (() => undefined);
  }

  /** Opens a stream. Nothing is sent before the first subscription. */
  connect(): this {
    this.ended = undefined;
    this.#nodeSent = false;
    for (const holding of this.#holdings.values()) holding.requested = false;
    const { address, token, service, caPem, serverName, variant = 'delta', node } = this.options;
    const checks = new ResponseChecks({
      variant,
      onlyType: service && TYPE_OF_SERVICE.get(service),
      grpcClient: /^grpc/i.test(node.userAgentName ?? ''),
    });
    const stream: RawStream = new RawStream({
      ...{ address, token, caPem, serverName, variant },
      ...(service ? { service } : {}),
      onRequest: (fields) => checks.sent(fields),
      onResponse: (response) => {
        this.faults.push(...checks.faultsOf(response));
        this.#receive(response);
      },
      onEnd: (end) => {
        if (this.#stream === stream) this.ended = end;
        this.#wake();
      },
    });
    this.#stream = stream;
    return this;
  }

  /** Replaces how responses are judged. */
  judgeWith(judge: NonNullable<FakeXdsClientOptions['judge']>): this {
    this.#judge = judge;
    return this;
  }

  /** Subscribes to names, or without any to everything. */
  subscribe(type: string, names: readonly string[] = []): this {
    const holding = this.#holding(type);
    if (names.length === 0) holding.wildcard = true;
    for (const name of names) holding.names.add(name);
    if (this.#delta) this.send({ type, names });
    else this.#sendList(type, holding);
    holding.requested = true;
    return this;
  }

  unsubscribe(type: string, names: readonly string[]): this {
    const holding = this.#holding(type);
    for (const name of names) {
      holding.names.delete(name);
      holding.resources.delete(name);
    }
    if (this.#delta) this.send({ type, unsubscribe: names });
    else this.#sendList(type, holding);
    return this;
  }

  /** Sends a request as it is; the node is added to the first one of a stream. */
  send(fields: RequestFields): void {
    const node = this.#nodeSent ? undefined : this.options.node;
    this.#nodeSent = true;
    this.stream.send({ ...(node ? { node } : {}), ...fields });
  }

  get stream(): RawStream {
    if (!this.#stream) throw new Error('not connected');
    return this.#stream;
  }

  /** Names and versions held of a type. */
  versions(type: string): ReadonlyMap<string, string> {
    return new Map([...this.#holding(type).resources].map(([name, r]) => [name, r.version]));
  }

  names(type: string): string[] {
    return [...this.#holding(type).resources.keys()].sort();
  }

  /** Bytes of a held resource. */
  bytes(type: string, name: string): Uint8Array | undefined {
    return this.#holding(type).resources.get(name)?.bytes;
  }

  responsesOf(type: string): ReceivedResponse[] {
    return this.responses.filter((response) => response.type === type);
  }

  /**
   * Waits until something holds, here or, looked at every few milliseconds, elsewhere.
   * @throws Error after `ms` milliseconds, and when a response was not legal
   */
  async waitFor(holds: (client: this) => boolean, ms = 120_000): Promise<void> {
    if (!holds(this)) await this.#becomes(holds, ms);
    this.expectNoFaults();
  }

  /** @throws Error if the server has sent this client anything that is never legal (GEN-6, GEN-7, GEN-13 and others) */
  expectNoFaults(): void {
    if (this.faults.length > 0) throw new Error(`illegal responses:\n${this.faults.join('\n')}`);
  }

  async #becomes(holds: (client: this) => boolean, ms: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const stop = (): void => {
        clearTimeout(timer);
        clearInterval(poll);
        this.#waiting.delete(check);
      };
      const check = (): void => {
        if (!holds(this) && this.faults.length === 0) return;
        stop();
        resolve();
      };
      const poll = setInterval(check, 10);
      const timer = setTimeout(() => {
        stop();
        reject(new Error(`not within ${ms} ms; held: ${this.#summary()}; ended: ${JSON.stringify(this.ended)}`));
      }, ms);
      this.#waiting.add(check);
    });
  }

  /** Drops the stream without a word. */
  disconnect(): void {
    const stream = this.#stream;
    this.#stream = undefined;
    stream?.cancel();
  }

  /**
   * Opens a new stream and asks for everything again, as Envoy does: clusters, endpoints, secrets, listeners, scopes,
   * routes, each with the versions it holds (delta).
   */
  reconnect(order: readonly string[] = RECONNECT_ORDER): this {
    this.disconnect();
    this.connect();
    for (const type of order) if (this.#holdings.has(type)) this.resubscribe(type);
    return this;
  }

  /** Asks for a type on a new stream with what is held of it. */
  resubscribe(type: string): void {
    const holding = this.#holding(type);
    holding.requested = true;
    holding.lastNonce = '';
    if (!this.#delta) {
      this.#sendList(type, holding);
      return;
    }
    const initialVersions = Object.fromEntries([...holding.resources].map(([name, r]) => [name, r.version]));
    const names = holding.wildcard && holding.names.size > 0 ? ['*', ...holding.names] : [...holding.names];
    this.send({ type, names, initialVersions });
  }

  get #delta(): boolean {
    return this.options.variant !== 'sotw';
  }

  #sendList(type: string, holding: Holding): void {
    const names = holding.wildcard && holding.names.size > 0 ? ['*', ...holding.names] : [...holding.names];
    this.send({ type, names, nonce: holding.lastNonce, version: holding.lastVersion });
  }

  #holding(type: string): Holding {
    let holding = this.#holdings.get(type);
    if (!holding) {
      holding = {
        wildcard: false,
        names: new Set(),
        resources: new Map(),
        lastNonce: '',
        lastVersion: '',
        requested: false,
      };
      this.#holdings.set(type, holding);
    }
    return holding;
  }

  #receive(response: ReceivedResponse): void {
    this.responses.push(response);
    this.bytesReceived += response.bytes;
    const holding = this.#holding(response.type);
    holding.lastNonce = response.nonce;
    const verdict = this.#judge(response);
    if (verdict === undefined) this.#take(response, holding);
    if (verdict !== SILENCE) this.#answer(response, holding, verdict);
    this.#wake();
  }

  #take(response: ReceivedResponse, holding: Holding): void {
    holding.lastVersion = response.version;
    if (!this.#delta && FULL_STATE.has(response.type)) holding.resources.clear();
    for (const resource of response.resources) {
      // A sign of life, or nothing: either way the contents are what they were.
      if (resource.hollow) continue;
      const name = resource.name === '' ? nameOf(response.type, resource.bytes) : resource.name;
      holding.resources.set(name, resource);
    }
    for (const name of response.removed) holding.resources.delete(name);
  }

  #answer(response: ReceivedResponse, holding: Holding, error: string | undefined): void {
    if (!this.#stream || this.ended) return;
    const { type, nonce } = response;
    if (this.#delta) this.send({ type, nonce, error });
    else {
      const names = holding.wildcard && holding.names.size > 0 ? ['*', ...holding.names] : [...holding.names];
      this.send({ type, nonce, error, names, version: holding.lastVersion });
    }
  }

  #wake(): void {
    for (const check of [...this.#waiting]) check();
  }

  #summary(): string {
    return [...this.#holdings].map(([type, h]) => `${type.split('.').at(-1)}=[${[...h.resources.keys()]}]`).join(' ');
  }
}

const FULL_STATE: ReadonlySet<string> = new Set([TYPE.cluster, TYPE.listener, TYPE.scopedRoute]);
