import { NOTHING } from './cells.js';
import { type Difference, Evaluation } from './evaluation.js';
import type { Published } from './published.js';
import { frozen, Staged } from './staged.js';
import type { Override, PassBudget } from './types.js';
import { GraphFault } from './types.js';
import { Version } from './version.js';

/** What a lane knows of its graph. */
export interface LaneHost {
  readonly base: Version;
  readonly published: Published;
  readonly close: (lane: Lane) => void;
}

/**
 * The graph as it would be with other inputs, for as long as it is wanted: a fork that lives. What passes change flows in,
 * but for the overridden inputs, and is computed again where it matters. Costs what the overrides touch, and of each pass
 * what it changes.
 */
export class Lane {
  readonly #host: LaneHost;
  readonly #evaluation: Evaluation;
  readonly #overrides = new Staged();
  #open = true;

  /** For `Graph.lane` only. Of two overrides for one input the later counts. */
  constructor(host: LaneHost, overrides: readonly Override[]) {
    this.#host = host;
    // Work of a lane is work of the graph: unlike a fork it is no preview, so it is counted with it.
    this.#evaluation = new Evaluation(new Version(host.base.engine.commons, host.base), host.published);
    for (const { kind, key, value } of overrides) {
      const hash = value === undefined ? NOTHING.hash : kind.hash(value as never);
      this.#overrides.put(kind, key, { value: frozen(value), hash, failed: false });
    }
    this.#evaluation.take(this.#overrides);
  }

  /**
   * Works until all is done or the budget is used up.
   * @returns true once there is nothing left to compute; a pass of the graph may make it false again
   * @throws GraphFault when the lane is closed
   */
  step(budget?: PassBudget): boolean {
    this.#check();
    return this.#evaluation.step(budget);
  }

  /** In what the observed cells differ from what the last pass published. Computes what is left. */
  difference(): Difference {
    this.step();
    return this.#evaluation.difference();
  }

  /** The graph forgets the lane; every method throws from now on. */
  close(): void {
    this.#check();
    this.#open = false;
    this.#host.close(this);
  }

  /** A pass has been adopted: what it took over, and the cells it published. For the graph only. */
  follow(taken: Staged, cells: Iterable<number>): void {
    const news = new Staged();
    news.add(taken);
    news.withoutWritesOf(this.#overrides);
    this.#evaluation.take(news);
    this.#evaluation.recheck(cells);
  }

  #check(): void {
    if (!this.#open) throw new GraphFault('this lane is closed');
  }
}
