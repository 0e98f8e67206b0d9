import type { AnyKind, Ctx, IndexKind, InputKind, Outcome, QueryError, QueryKind } from './types.js';
import { GraphFault } from './types.js';

/** A cell that is being verified or run. */
export interface Frame {
  readonly cell: number;
  /** Verifying: the recorded read that is next. */
  edge: number;
  /** Running, or suspended: the reads so far. */
  reads: Set<number> | undefined;
  /** Set once the cell was found to lie on a cycle: whatever its query does then, this is its value. */
  cycle: QueryError | undefined;
}

/** What a context asks of its engine. */
interface Demands {
  /** Records a read by the query of `frame`, and brings the cell up to date. */
  demand(frame: Frame, kind: AnyKind, key: string): number;
  outcome<V>(cell: number): Outcome<V>;
  value(cell: number): unknown;
}

/** What a query is handed. Dead once the query has returned: a read that nobody records would go stale unseen. */
export class RunContext implements Ctx {
  readonly #engine: Demands;
  readonly #frame: Frame;
  #open = true;

  constructor(engine: Demands, frame: Frame) {
    this.#engine = engine;
    this.#frame = frame;
  }

  input<V>(kind: InputKind<V>, key: string): V | undefined {
    return this.#engine.value(this.#demand(kind, key)) as V | undefined;
  }

  index<V>(kind: IndexKind<V>, key: string): readonly string[] {
    return this.#engine.value(this.#demand(kind, key)) as readonly string[];
  }

  get<V>(kind: QueryKind<V>, key: string): V {
    const outcome = this.tryGet(kind, key);
    if (!outcome.ok) throw outcome.error;
    return outcome.value;
  }

  tryGet<V>(kind: QueryKind<V>, key: string): Outcome<V> {
    return this.#engine.outcome(this.#demand(kind, key));
  }

  close(): void {
    this.#open = false;
  }

  #demand(kind: AnyKind, key: string): number {
    if (!this.#open) throw new GraphFault(`a context was used after its query had returned: ${kind.name} ${key}`);
    return this.#engine.demand(this.#frame, kind, key);
  }
}
