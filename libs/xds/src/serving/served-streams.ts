import type { NackInfo, StreamInfo, StreamState, TypeHoldings, TypeUrl } from '../types.js';
import type { StreamRegistry } from './stream-registry.js';

/** How far a change has come. */
export interface Progress {
  readonly streams: number;
  /** Streams on which nothing of the change, or of an earlier one, is left to send or to be ACKed. */
  readonly acked: number;
}

/** What the embedding program may ask of the streams that are served. */
export class ServedStreams {
  constructor(protected readonly registry: StreamRegistry) {}

  /** The state of every admitted stream, computed now. */
  streams(): StreamState[] {
    return this.registry.all().flatMap((stream) => stream.state ?? []);
  }

  /** Names of a type that the stream has ACKed; empty when there is no such stream. */
  ackedNames(id: number, type: TypeUrl): readonly string[] {
    return [...(this.registry.byId(id)?.session.types.get(type)?.acked.keys() ?? [])];
  }

  /** How many responses of each type the stream's client has answered: what it holds is the same while they are. */
  answers(id: number): ReadonlyMap<TypeUrl, number> | undefined {
    return this.registry.byId(id)?.ledger.answers;
  }

  /** What the stream's client holds of each type that it asks for; undefined when there is no such stream. */
  holdings(id: number): readonly TypeHoldings[] | undefined {
    return this.registry.byId(id)?.ledger.holdings();
  }

  /** Every admitted stream, without its state. */
  streamInfos(): StreamInfo[] {
    return this.registry.all().flatMap((stream) => stream.info ?? []);
  }

  /** Admitted streams that have something to receive or to ACK: node ids by stream id. */
  behind(): Map<number, string> {
    const behind = this.registry.all().filter((stream) => stream.behind);
    return new Map(behind.flatMap(({ info }) => (info ? [[info.id, info.node.id] as const] : [])));
  }

  /**
   * What clients refuse of what they should have now. A content that a client has refused is never sent to it again
   * (GEN-10), so it says nothing to a change that brings it back: what it said before is its answer.
   */
  *refusals(): Generator<readonly [StreamInfo, NackInfo]> {
    for (const { info, ledger } of this.registry.all()) {
      if (info && ledger.wasRefused) for (const nack of ledger.refused()) yield [info, nack];
    }
  }

  /** How many streams have everything of a change, those included that it does not concern. */
  progress(change: number): Progress {
    const streams = this.registry.all().filter((stream) => stream.info);
    return { streams: streams.length, acked: streams.filter((s) => s.ledger.ackedChange() >= change).length };
  }
}
