import type { Ref, Resource, TypeUrl } from './types.js';
import { endpointsNameOf } from './wire/cluster.js';
import { fieldSize, Writer } from './wire/writer.js';

/** Contents made so far. */
let made = 0;

const NO_REFS: readonly Ref[] = [];
const NO_NAMES: readonly string[] = [];
const NO_BYTES = new Uint8Array();

/** Counts the encodings of resources; tests assert that their number does not depend on the number of streams. */
export interface EncodeCounter {
  encodes: number;
}

/**
 * One content of one resource, as streams hold it. Immutable: a changed resource is a new cell, so a stream that must
 * keep an older content keeps its cell. The wire form is made once, when the first stream needs it.
 */
export class Cell implements Resource {
  /** Given by the cache of frames, which knows contents by it; 0: not sent yet. */
  serial = 0;
  /** Unique in the process. */
  readonly id = ++made;
  /** As published; '' for what is in no view: secrets, and answers that there is nothing. */
  readonly key: string;
  readonly type: TypeUrl;
  readonly name: string;
  readonly version: string;
  readonly requires: readonly Ref[];
  /** Other names under which it is asked for (DELTA-14). */
  readonly aliases: readonly string[];
  /** Milliseconds for which a client may keep it without a sign of life; 0: as long as it is not removed (TTL-1). */
  readonly ttlMs: number;
  /** Not part of the wildcard: for those who name it (WILD-5). */
  readonly onDemand: boolean;
  /** There is nothing under this name, said as a resource without content (OND-2). */
  readonly hollow: boolean;
  /** Size of the wire form in bytes, near enough for limits. */
  readonly size: number;
  readonly #bytes: Uint8Array;
  readonly #counter: EncodeCounter;
  #piece: Buffer | undefined;
  #anyStart = 0;
  #anyEnd = 0;
  #start = 0;
  #endpoints: string | undefined;

  constructor(
    resource: Omit<Resource, 'key' | 'requires'> & { key?: string; requires?: readonly Ref[]; hollow?: boolean },
    counter: EncodeCounter,
  ) {
    this.key = resource.key ?? '';
    this.type = resource.type;
    this.name = resource.name;
    this.version = resource.version;
    this.requires = resource.requires ?? NO_REFS;
    this.aliases = resource.aliases ?? NO_NAMES;
    this.ttlMs = resource.ttlMs ?? 0;
    this.onDemand = resource.onDemand ?? false;
    this.hollow = resource.hollow ?? false;
    this.#bytes = resource.bytes;
    this.size = resource.bytes.length + resource.name.length + resource.type.length + 64;
    this.#counter = counter;
  }

  /** The answer to a name under which there is nothing (OND-2). */
  static nothing(type: TypeUrl, name: string, aliases: readonly string[]): Cell {
    const resource = { type, name, version: NOTHING_VERSION, bytes: NO_BYTES, aliases, hollow: true };
    return new Cell(resource, { encodes: 0 });
  }

  /** The serialized message alone, as it was published. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** The resource as field 2 of a DeltaDiscoveryResponse: Resource{version, Any, name, aliases}. */
  get delta(): Buffer {
    return this.#piece ?? this.#encode();
  }

  /** The resource as field 2 of a DiscoveryResponse: the Any alone, which is a part of the delta form. */
  get sotw(): Buffer {
    return this.delta.subarray(this.#anyStart, this.#anyEnd);
  }

  /** The fields of Resource alone, to be wrapped in another way. */
  get fields(): Buffer {
    return this.delta.subarray(this.#start);
  }

  /** True if what is around the content is the same, too: it is said again when it changes, at the same version. */
  wrappedLike(other: Cell, lifetimes: boolean): boolean {
    const { aliases } = this;
    return (
      (!lifetimes || this.ttlMs === other.ttlMs) &&
      (aliases === other.aliases ||
        (aliases.length === other.aliases.length && aliases.every((alias, i) => alias === other.aliases[i])))
    );
  }

  /** For a cluster: the name under which its endpoints are asked for; '' when it does not use EDS. */
  get endpointsName(): string {
    this.#endpoints ??= endpointsNameOf(this.#bytes, this.name);
    return this.#endpoints;
  }

  /**
   * Field 2 is the Any both in Resource and in DiscoveryResponse, and field 2 is the Resource in DeltaDiscoveryResponse:
   * so one encoding serves both variants of the protocol.
   */
  #encode(): Buffer {
    const typeLength = Buffer.byteLength(this.type);
    const nameLength = Buffer.byteLength(this.name);
    const versionLength = Buffer.byteLength(this.version);
    const any = fieldSize(typeLength) + fieldSize(this.#bytes.length);
    const body = this.hollow ? 0 : fieldSize(any);
    const resource = fieldSize(versionLength) + body + fieldSize(nameLength) + this.#sizeOfAliases();
    const writer = new Writer(fieldSize(resource)).head(2, resource);
    this.#start = writer.position;
    writer.head(1, versionLength).string(this.version);
    this.#anyStart = writer.position;
    if (!this.hollow) {
      writer.head(2, any).head(1, typeLength).string(this.type).head(2, this.#bytes.length).bytes(this.#bytes);
    }
    this.#anyEnd = writer.position;
    writer.head(3, nameLength).string(this.name);
    for (const alias of this.aliases) writer.head(4, Buffer.byteLength(alias)).string(alias);
    this.#counter.encodes++;
    this.#piece = writer.buffer;
    return writer.buffer;
  }

  #sizeOfAliases(): number {
    return this.aliases.reduce((sum, alias) => sum + fieldSize(Buffer.byteLength(alias)), 0);
  }
}

/** Version of the answer that there is nothing; no content has it, contents have hashes. */
export const NOTHING_VERSION = '-';

/** What a client says that it holds from an earlier stream, where only the version is known. */
export class Foreign {
  readonly id = ++made;

  constructor(readonly version: string) {}
}

export type Held = Cell | Foreign;

/** The view has the resource, but its content is withheld: neither sent nor removed. */
export const WITHHELD = Symbol('withheld');

export type Lookup = Cell | typeof WITHHELD | undefined;
