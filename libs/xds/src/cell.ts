import type { Ref, Resource, TypeUrl } from './types.js';
import { endpointsNameOf } from './wire/cluster.js';
import { fieldSize, Writer } from './wire/writer.js';

const NO_REFS: readonly Ref[] = [];
let serials = 0;

/** Counts the encodings of resources; tests assert that their number does not depend on the number of streams. */
export interface EncodeCounter {
  encodes: number;
}

/**
 * One content of one resource, as streams hold it. Immutable: a changed resource is a new cell, so a stream that must
 * keep an older content keeps its cell. The wire form is made once, when the first stream needs it.
 */
export class Cell {
  /** Unique in the process; frames are cached under the serials of their cells. */
  readonly serial = ++serials;
  readonly type: TypeUrl;
  readonly name: string;
  readonly version: string;
  readonly requires: readonly Ref[];
  readonly #bytes: Uint8Array;
  readonly #counter: EncodeCounter;
  #piece: Buffer | undefined;
  #anyStart = 0;
  #anyEnd = 0;
  #endpoints: string | undefined;

  constructor(resource: Omit<Resource, 'key' | 'requires'> & { requires?: readonly Ref[] }, counter: EncodeCounter) {
    this.type = resource.type;
    this.name = resource.name;
    this.version = resource.version;
    this.requires = resource.requires ?? NO_REFS;
    this.#bytes = resource.bytes;
    this.#counter = counter;
  }

  /** The resource as field 2 of a DeltaDiscoveryResponse: Resource{version, Any, name}. */
  get delta(): Buffer {
    return this.#piece ?? this.#encode();
  }

  /** The resource as field 2 of a DiscoveryResponse: the Any alone, which is a part of the delta form. */
  get sotw(): Buffer {
    return this.delta.subarray(this.#anyStart, this.#anyEnd);
  }

  /** Size of the wire form in bytes, near enough for limits. */
  get size(): number {
    return this.#bytes.length + this.name.length + this.type.length + 64;
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
    const resource = fieldSize(versionLength) + fieldSize(any) + fieldSize(nameLength);
    const writer = new Writer(fieldSize(resource)).head(2, resource).head(1, versionLength).string(this.version);
    this.#anyStart = writer.position;
    writer.head(2, any).head(1, typeLength).string(this.type).head(2, this.#bytes.length).bytes(this.#bytes);
    this.#anyEnd = writer.position;
    writer.head(3, nameLength).string(this.name);
    this.#counter.encodes++;
    this.#piece = writer.buffer;
    return writer.buffer;
  }
}

/** What a client says that it holds from an earlier stream, where only the version is known. */
export class Foreign {
  constructor(readonly version: string) {}
}

export type Held = Cell | Foreign;

/** The view has the resource, but its content is withheld: neither sent nor removed. */
export const WITHHELD = Symbol('withheld');

export type Lookup = Cell | typeof WITHHELD | undefined;
