import { setTimeout as pause } from 'node:timers/promises';
import type { Watcher } from '../view-record.js';
import { XdsStream } from './stream.js';

/** Pause between batches of streams that are ended. Milliseconds. */
const STEP_MS = 20;

/** All live streams, by themselves and by node. Several streams of one node are legal (GEN-14, REL-40). */
export class StreamRegistry {
  readonly #streams = new Map<XdsStream, () => void>();
  readonly #byId = new Map<number, XdsStream>();
  readonly #byNode = new Map<string, Set<XdsStream>>();
  #ids = 0;

  get size(): number {
    return this.#streams.size;
  }

  nextId(): number {
    return ++this.#ids;
  }

  /** @param leave called once when the stream is gone */
  add(stream: XdsStream, leave: () => void): void {
    this.#streams.set(stream, leave);
    this.#byId.set(stream.options.id, stream);
  }

  /** The stream was admitted, so its node is known. */
  named(stream: XdsStream): void {
    const node = stream.info?.node.id ?? '';
    const streams = this.#byNode.get(node);
    if (streams) streams.add(stream);
    else this.#byNode.set(node, new Set([stream]));
  }

  remove(stream: XdsStream): void {
    this.#streams.get(stream)?.();
    this.#streams.delete(stream);
    this.#byId.delete(stream.options.id);
    const node = stream.info?.node.id ?? '';
    const streams = this.#byNode.get(node);
    streams?.delete(stream);
    if (streams?.size === 0) this.#byNode.delete(node);
  }

  byId(id: number): XdsStream | undefined {
    return this.#byId.get(id);
  }

  all(): XdsStream[] {
    return [...this.#streams.keys()];
  }

  ofNode(nodeId: string): XdsStream[] {
    return [...(this.#byNode.get(nodeId) ?? [])];
  }

  /** Those watchers that are streams of this server: all of them. */
  *of(watchers: Iterable<Watcher>): Iterable<XdsStream> {
    for (const watcher of watchers) if (watcher instanceof XdsStream) yield watcher;
  }

  /** Ends all streams with OK, evenly over four fifths of the grace. */
  async endAll(graceMs: number): Promise<void> {
    const streams = this.all();
    const steps = Math.max(1, Math.floor((graceMs * 0.8) / STEP_MS));
    const batch = Math.ceil(streams.length / steps);
    for (let at = 0; at < streams.length; at += batch) {
      for (const stream of streams.slice(at, at + batch)) stream.end('OK', '');
      if (graceMs > 0 && at + batch < streams.length) await pause(STEP_MS);
    }
    // The statuses are written by now or will not be.
    await pause(Math.min(graceMs, 50));
  }
}
