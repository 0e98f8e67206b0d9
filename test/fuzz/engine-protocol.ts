import { TYPE } from '#libs/envoy-api';
import type { Limits, TlsMaterial, XdsCounters } from '#libs/xds';
import { cluster, endpoints, listener, route } from '../conformance/rig.js';

/** How many resources there are of each kind, and about how many bytes each has. */
export interface Size {
  readonly clusters: number;
  readonly endpoints: number;
  readonly listeners: number;
  readonly routes: number;
  readonly bytes: number;
}

export interface EngineOptions {
  readonly size: Size;
  /** Which contents it has at first; 0 by default. */
  readonly mark?: number;
  /** 0, any free one, by default. */
  readonly port?: number;
  /** Plaintext without it. */
  readonly tls?: TlsMaterial;
  readonly limits?: Partial<Limits>;
  /** Of a stop by SIGTERM; 0 by default. Milliseconds. */
  readonly graceMs?: number;
  /** False leaves the lag of the event loop unmeasured, as 0: to look every 5 ms costs a hundredth of a core. */
  readonly lag?: boolean;
}

export type Command =
  | { readonly do: 'publish'; readonly mark: number }
  | { readonly do: 'progress'; readonly change: number }
  | { readonly do: 'stop'; readonly graceMs: number }
  | { readonly do: 'take files'; readonly leave: number }
  | { readonly do: 'give files back' | 'figures' | 'forget lag' };

/** What an engine says of itself. */
export interface Figures {
  readonly counters: XdsCounters;
  /** Metrics by name and label values. */
  readonly counts: Readonly<Record<string, number>>;
  /** How late its event loop was, since the last `forget lag`. */
  readonly lagMs: { readonly p99: number; readonly max: number };
  /** User and system time so far. */
  readonly cpuMs: number;
  /** Bytes, after a collection if the process was started with --expose-gc. */
  readonly memory: { readonly rss: number; readonly heapUsed: number; readonly external: number };
  /** Warnings and errors logged, as JSON. */
  readonly warned: readonly string[];
}

export interface Content {
  readonly type: string;
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** All resources with the contents of this mark; names are the same for every mark. */
export function resourcesOf(size: Size, mark: number): Content[] {
  const named = (count: number, prefix: string): string[] => Array.from({ length: count }, (_, i) => `${prefix}${i}`);
  const all = [
    ...named(size.clusters, 'c').map((name) => cluster(name, mark)),
    ...named(size.endpoints, 'c').map((name) => endpoints(name, mark + 1)),
    ...named(size.listeners, 'l').map((name) => listener(name, [], mark)),
    ...named(size.routes, 'r').map((name) => route(name, [], mark)),
  ];
  return all.map(({ type, name, bytes }) => ({ type, name, bytes: padded(bytes, size.bytes) }));
}

/** The message with a field that nobody knows, 127 bytes at a time. */
function padded(message: Uint8Array, length: number): Uint8Array {
  const piece = Buffer.concat([Buffer.from([0xfa, 0x3f, 97]), Buffer.alloc(97, 'x')]);
  const pieces = Math.max(0, Math.floor((length - message.length) / piece.length));
  return Buffer.concat([message, ...Array.from({ length: pieces }, () => piece)]);
}

/** How a client asks for everything there is. */
export const everything = (size: Size): readonly (readonly [type: string, names: readonly string[]])[] => [
  [TYPE.cluster, []],
  [TYPE.endpoint, Array.from({ length: size.endpoints }, (_, i) => `c${i}`)],
  [TYPE.listener, []],
  [TYPE.route, Array.from({ length: size.routes }, (_, i) => `r${i}`)],
];
