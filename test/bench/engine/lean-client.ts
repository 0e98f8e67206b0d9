import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import { DeltaDiscoveryRequestSchema, encode, TYPE } from '#libs/envoy-api';
import { NAMES } from './workload.js';

/** Where the server is; without a certificate it is spoken to in plain text. */
export interface Target {
  readonly port: number;
  readonly caPem: string | undefined;
}

type Versions = Record<string, string>;

/** Who is not let in comes again after so long. Milliseconds. */
const AGAIN_MS = 300;
const METHOD = '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources';
const WINDOW = 16 * 1024 * 1024;
const SUBSCRIPTIONS = [
  [TYPE.cluster, []],
  [TYPE.endpoint, NAMES.endpoints],
  [TYPE.listener, []],
  [TYPE.route, NAMES.routes],
] as const;
export const TYPES = SUBSCRIPTIONS.length;

/**
 * A delta client of workload W that costs little, so that a machine has room for a thousand beside the server: it reads
 * the nonce and the versions of a response and confirms it, nothing else.
 */
export class LeanClient {
  readonly #held = new Map<string, Versions>(SUBSCRIPTIONS.map(([type]) => [type, {}]));
  #session: ClientHttp2Session | undefined;
  #stream: ClientHttp2Stream | undefined;
  /** Said first when it comes back. Encoded as it leaves: a thousand who do it at once keep the server waiting. */
  #requests: readonly Uint8Array[];
  #unread: Buffer[] = [];
  #again: NodeJS.Timeout | undefined;
  responses = 0;
  bytes = 0;
  /** Called for every response, before it is confirmed. */
  onResponse: (type: string) => void = () => {};

  constructor(
    private readonly target: Target,
    private readonly node: string,
  ) {
    this.#requests = this.#encoded();
  }

  /** Connects and subscribes; what it holds from before it says with the versions. */
  open(): this {
    const { port, caPem } = this.target;
    clearTimeout(this.#again);
    const url = `${caPem === undefined ? 'http' : 'https'}://localhost:${port}`;
    const session = connect(url, {
      ...(caPem === undefined ? {} : { ca: caPem, ALPNProtocols: ['h2'] }),
      settings: { initialWindowSize: WINDOW },
      lookup: (_name, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }]),
    });
    this.#session = session;
    session.on('error', () => this.#lost(session));
    session.once('connect', () => session.setLocalWindowSize(WINDOW));
    const stream = session.request({
      ...{ ':method': 'POST', ':path': METHOD, 'content-type': 'application/grpc', te: 'trailers' },
      authorization: 'Bearer bench',
    });
    this.#stream = stream;
    this.#unread = [];
    stream.on('error', () => {}); // 'close' follows
    stream.once('close', () => this.#lost(session));
    stream.on('data', (chunk: Buffer) => this.#read(chunk));
    for (const request of this.#requests) this.#write(request);
    return this;
  }

  close(): void {
    const session = this.#session;
    this.#session = undefined;
    clearTimeout(this.#again);
    session?.destroy();
    this.#requests = this.#encoded();
  }

  /** REL-12: a server that has no room for now sends it away. What it has sent was not read then. */
  #lost(session: ClientHttp2Session): void {
    if (this.#session !== session) return;
    this.close();
    this.#again = setTimeout(() => this.open(), AGAIN_MS).unref();
  }

  #encoded(): Uint8Array[] {
    return SUBSCRIPTIONS.map(([typeUrl, names]) =>
      encode(DeltaDiscoveryRequestSchema, {
        ...{ typeUrl, resourceNamesSubscribe: [...names], initialResourceVersions: this.#held.get(typeUrl) ?? {} },
        ...(typeUrl === TYPE.cluster ? { node: { id: this.node, userAgentName: 'envoy' } } : {}),
      }),
    );
  }

  #write(message: Uint8Array): void {
    const frame = Buffer.allocUnsafe(5 + message.length);
    frame[0] = 0;
    frame.writeUInt32BE(message.length, 1);
    frame.set(message, 5);
    this.#stream?.write(frame);
  }

  #read(chunk: Buffer): void {
    this.bytes += chunk.length;
    this.#unread.push(chunk);
    let all = this.#unread.length === 1 ? chunk : Buffer.concat(this.#unread);
    while (all.length >= 5 && all.length >= 5 + all.readUInt32BE(1)) {
      const end = 5 + all.readUInt32BE(1);
      this.#confirm(all.subarray(5, end));
      all = all.subarray(end);
    }
    this.#unread = all.length === 0 ? [] : [all];
  }

  #confirm(response: Buffer): void {
    let [typeUrl, responseNonce] = ['', ''];
    const arrived: [string, string][] = [];
    for (const [field, value] of fields(response)) {
      if (field === 2) arrived.push(nameAndVersion(value));
      if (field === 4) typeUrl = value.toString();
      if (field === 5) responseNonce = value.toString();
    }
    const held = this.#held.get(typeUrl);
    if (held) for (const [name, version] of arrived) held[name] = version;
    this.responses++;
    this.onResponse(typeUrl);
    this.#write(encode(DeltaDiscoveryRequestSchema, { typeUrl, responseNonce }));
  }
}

function nameAndVersion(resource: Buffer): [string, string] {
  let [name, version] = ['', ''];
  for (const [field, value] of fields(resource)) {
    if (field === 1) version = value.toString();
    if (field === 3) name = value.toString();
  }
  return [name, version];
}

/** The length-delimited fields of a message that has no others. */
function* fields(message: Buffer): Generator<[number, Buffer]> {
  for (let at = 0; at < message.length; ) {
    const field = (message[at++] ?? 0) >> 3;
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = message[at++] ?? 0;
      length |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    yield [field, message.subarray(at, at + length)];
    at += length;
  }
}
