import { MalformedMessage, Reader } from '#libs/envoy-api';

/** A delta request, or the delta half of what the session understands. */
export interface DeltaRequest {
  readonly variant: 'delta';
  readonly node: Buffer | undefined;
  readonly typeUrl: string;
  readonly nonce: string;
  /** The client's words when it refuses the response with this nonce; `undefined` when it does not (GEN-9). */
  readonly error: string | undefined;
  readonly subscribe: readonly string[];
  readonly unsubscribe: readonly string[];
  readonly initialVersions: ReadonlyMap<string, string>;
}

/** A state-of-the-world request. What was ACKed follows from the nonce alone (GEN-9). */
export interface SotwRequest {
  readonly variant: 'sotw';
  readonly node: Buffer | undefined;
  readonly typeUrl: string;
  readonly nonce: string;
  readonly error: string | undefined;
  readonly names: readonly string[];
  /** True if it carries a `version_info`: on a first request, that the client holds a set from an earlier stream. */
  readonly versioned: boolean;
}

export type Request = DeltaRequest | SotwRequest;

/** What a request may contain at most. */
export interface RequestLimits {
  readonly maxNames: number;
  readonly maxNameBytes: number;
  readonly maxErrorChars: number;
}

/** A request that is well-formed and larger than it may be (SEC-9). */
export class RequestTooLarge extends Error {
  constructor(
    readonly limit: 'maxNames' | 'maxNameBytes' | 'maxMessageBytes' | 'maxReportBytes',
    message: string,
  ) {
    super(message);
    this.name = 'RequestTooLarge';
  }
}

const NO_NAMES: readonly string[] = [];
const NO_VERSIONS: ReadonlyMap<string, string> = new Map();

const DELTA = { node: 1, typeUrl: 2, subscribe: 3, unsubscribe: 4, initialVersions: 5, nonce: 6, error: 7 };

/** Reads a DeltaDiscoveryRequest. @throws MalformedMessage, RequestTooLarge */
export function decodeDeltaRequest(bytes: Buffer, limits: RequestLimits): DeltaRequest {
  let [node, error] = [undefined as Buffer | undefined, undefined as string | undefined];
  let [typeUrl, nonce] = ['', ''];
  let [subscribe, unsubscribe, versions] = [NO_NAMES, NO_NAMES, NO_VERSIONS];
  const reader = new Reader(bytes);
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === DELTA.typeUrl) typeUrl = reader.string();
    else if (field === DELTA.nonce) nonce = reader.string();
    else if (field === DELTA.subscribe) subscribe = addName(subscribe, reader, limits);
    else if (field === DELTA.unsubscribe) unsubscribe = addName(unsubscribe, reader, limits);
    else if (field === DELTA.initialVersions) versions = addVersion(versions, reader.message(), limits);
    else if (field === DELTA.error) error = statusMessage(reader.bytes(), limits);
    else if (field === DELTA.node) node = reader.bytes();
    else reader.skip();
  }
  return { variant: 'delta', node, typeUrl, nonce, error, subscribe, unsubscribe, initialVersions: versions };
}

const SOTW = { version: 1, node: 2, names: 3, typeUrl: 4, nonce: 5, error: 6 };

/** Reads a DiscoveryRequest. @throws MalformedMessage, RequestTooLarge */
export function decodeSotwRequest(bytes: Buffer, limits: RequestLimits): SotwRequest {
  let [node, error] = [undefined as Buffer | undefined, undefined as string | undefined];
  let [typeUrl, nonce, names, versioned] = ['', '', NO_NAMES, false];
  const reader = new Reader(bytes);
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === SOTW.version) versioned = reader.bytes().length > 0;
    else if (field === SOTW.typeUrl) typeUrl = reader.string();
    else if (field === SOTW.nonce) nonce = reader.string();
    else if (field === SOTW.names) names = addName(names, reader, limits);
    else if (field === SOTW.error) error = statusMessage(reader.bytes(), limits);
    else if (field === SOTW.node) node = reader.bytes();
    else reader.skip();
  }
  return { variant: 'sotw', node, typeUrl, nonce, error, names, versioned };
}

/** The list with one more name; the shared empty list is replaced, a list of this request grown in place. */
function addName(list: readonly string[], reader: Reader, limits: RequestLimits): readonly string[] {
  const name = checkedName(reader, limits);
  if (list === NO_NAMES) return [name];
  if (list.length >= limits.maxNames) throw tooMany(limits);
  (list as string[]).push(name);
  return list;
}

function addVersion(map: ReadonlyMap<string, string>, entry: Reader, limits: RequestLimits) {
  const target = map === NO_VERSIONS ? new Map<string, string>() : (map as Map<string, string>);
  if (target.size >= limits.maxNames) throw tooMany(limits);
  let [name, version] = ['', ''];
  for (let field = entry.next(); field !== 0; field = entry.next()) {
    if (field === 1) name = checkedName(entry, limits);
    else if (field === 2) version = checkedName(entry, limits);
    else entry.skip();
  }
  return target.set(name, version);
}

const tooMany = (limits: RequestLimits): RequestTooLarge =>
  new RequestTooLarge('maxNames', `a request may name ${limits.maxNames} resources`);

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
const CONTROL = /[\u0000-\u001f\u007f]/;

/** A name or version: of bounded length, without control characters, which have no use but to confuse logs (SEC-10). */
function checkedName(reader: Reader, limits: RequestLimits): string {
  const name = reader.string();
  if (reader.length > limits.maxNameBytes) {
    throw new RequestTooLarge('maxNameBytes', `a name may have ${limits.maxNameBytes} bytes`);
  }
  if (CONTROL.test(name)) throw new MalformedMessage('a name with control characters');
  return name;
}

/** google.rpc.Status{message = 2}, cut to what is kept of it, and without what no database holds: NUL, and halves of characters (SEC-12). */
function statusMessage(bytes: Buffer, limits: RequestLimits): string {
  const reader = new Reader(bytes);
  let message = '';
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 2)
      message = reader
        .bytes()
        .subarray(0, limits.maxErrorChars * 4)
        .toString('utf8');
    else reader.skip();
  }
  return message.slice(0, limits.maxErrorChars).toWellFormed().replaceAll('\0', '\uFFFD');
}
