import type { Evaluation } from './evaluation.js';
import { Staged } from './staged.js';
import type { AnyQuery, CellChange, ChangeSet, PassBudget } from './types.js';
import { GraphFault } from './types.js';

/** What a pass does to its graph in the end. */
export interface PassHost {
  readonly adopt: (pass: Pass) => ChangeSet;
  readonly abandon: (pass: Pass) => void;
}

/**
 * A pass in slices: the next version of the graph is made beside the present one, which goes on answering and taking
 * passes of its own. What those change flows into this one too, and is computed again where it had been computed.
 */
export class Pass {
  readonly #host: PassHost;
  #open = true;

  /** For `Graph.begin` only. */
  constructor(
    host: PassHost,
    /** For the graph only. */
    readonly evaluation: Evaluation,
    /** What the pass took over, without what has been set anew since. For the graph only. */
    readonly taken: Staged,
  ) {
    this.#host = host;
  }

  /**
   * Works until all is done or the budget is used up, and a little longer: to the end of the query that is running, and
   * of a few more where one that reads many would have to run again.
   * @returns true once `adopt` has nothing left to compute; a pass of the graph in between may make it false again
   * @throws GraphFault when the pass has ended, or a query or a list breaks the contract; the pass is abandoned then
   */
  step(budget?: PassBudget): boolean {
    this.#check();
    try {
      return this.evaluation.step(budget);
    } catch (thrown) {
      this.abandon();
      throw thrown;
    }
  }

  /** What `adopt` will say as things are, once `step` has returned true. The same list until that changes. */
  changes(): readonly CellChange[] {
    this.#check();
    return this.evaluation.ordered;
  }

  /** Computes what is left, and makes this version the graph's. */
  adopt(): ChangeSet {
    this.step();
    this.#open = false;
    return this.#host.adopt(this);
  }

  /** Leaves the graph as it is; what the pass had taken over is staged again, below what was set since. */
  abandon(): void {
    this.#check();
    this.#open = false;
    this.#host.abandon(this);
  }

  /** Takes back an observation that only this pass knows of. For the graph only. @returns false when there is none */
  release(query: AnyQuery, key: string): boolean {
    if (this.taken.observers(query, key) <= 0) return false;
    const one = new Staged();
    one.observe(query, key, -1);
    this.taken.add(one);
    this.evaluation.take(one);
    return true;
  }

  #check(): void {
    if (!this.#open) throw new GraphFault('this pass has ended');
  }
}
