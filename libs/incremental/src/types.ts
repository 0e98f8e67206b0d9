/**
 * The contract of the query graph. Inputs are frozen values set by key; indexes are kept up to date from inputs;
 * queries are pure synchronous functions that read others only through the `Ctx` they are handed.
 */

/** A kind of input: values by string key. `hash` decides whether a newly set value is a change. */
export interface InputKind<V> {
  readonly type: 'input';
  /** Unique among the kinds of one graph. */
  readonly name: string;
  readonly hash: (value: V) => string;
}

/**
 * A collection of members by index key, derived from one kind of input. The only way for a query to see more than one
 * input: there is no way to list a kind, since one list cell would make everything depend on everything.
 */
export interface IndexKind<V> {
  readonly type: 'index';
  readonly name: string;
  readonly of: InputKind<V>;
  /** The index keys under which the input with this key and value is found. Pure and total: a throw refuses the pass. */
  readonly keysOf: (key: string, value: V) => readonly string[];
}

/** A memoised query: value by string key. Equal hashes mean equal values: that is where propagation stops. */
export interface QueryKind<V> {
  readonly type: 'query';
  readonly name: string;
  readonly run: (ctx: Ctx, key: string) => V;
  readonly hash: (value: V) => string;
  /**
   * Set for values that are lists of other cells: what an observed cell of this kind lists is observed too, exactly as
   * long. A cell that fails goes on with the list it had. Pure and total: a throw refuses the pass.
   */
  readonly lists: Lists<V> | undefined;
  /** Observed for what it lists alone: no difference tells of it. */
  readonly isInner: boolean;
}

export type Lists<V> = (value: V, add: (kind: AnyQuery, key: string) => void, key: string) => void;

/** Kinds with the type of their values forgotten, for code that handles all of them alike. */
export type AnyInput = InputKind<never>;
export type AnyIndex = IndexKind<never>;
export interface AnyQuery {
  readonly type: 'query';
  readonly name: string;
  readonly run: (ctx: Ctx, key: string) => unknown;
  readonly hash: (value: never) => string;
  readonly lists: Lists<never> | undefined;
  readonly isInner: boolean;
}
export type AnyKind = AnyInput | AnyIndex | AnyQuery;

/** The value of a query, or why it has none. */
export type Outcome<V> = { readonly ok: true; readonly value: V } | { readonly ok: false; readonly error: QueryError };

/** What a query may read. Every read is recorded as a dependency, a read of what does not exist too. */
export interface Ctx {
  input<V>(kind: InputKind<V>, key: string): V | undefined;
  /** Keys of the inputs filed under `key`, in code-unit order, without duplicates. */
  index<V>(kind: IndexKind<V>, key: string): readonly string[];
  /** Value of another query. If that one failed, rethrows its `QueryError`, so that failures reach whoever decides. */
  get<V>(kind: QueryKind<V>, key: string): V;
  /** Like `get`, with the failure as a value: for queries that decide what happens then. */
  tryGet<V>(kind: QueryKind<V>, key: string): Outcome<V>;
}

/** Why a cell has no value: the first failure on the way down, and the cell it came from. */
export class QueryError extends Error {
  constructor(
    readonly cell: CellName,
    override readonly cause: unknown,
  ) {
    super(`${cell.kind} ${cell.key}: ${cause instanceof Error ? cause.message : String(cause)}`);
    this.name = 'QueryError';
  }
}

/**
 * Cause of the `QueryError` of every cell on a cycle of reads. `path` holds its members by kind and key in code-unit
 * order, so it is the same from whichever member, or outside reader, the cycle was entered.
 */
export class CycleError extends Error {
  constructor(readonly path: readonly CellName[]) {
    super(`cycle of ${path.map((cell) => `${cell.kind} ${cell.key}`).join(', ')}`);
    this.name = 'CycleError';
  }
}

/**
 * The graph was used against its contract (two passes in slices at once, an index whose `keysOf` throws, an expired fork).
 * Never becomes the value of a cell: it reaches the caller, and a pass that meets it leaves the state as it was.
 */
export class GraphFault extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'GraphFault';
  }
}

export interface CellName {
  readonly kind: string;
  readonly key: string;
}

/** What one pass changed among the observed cells. */
export interface ChangeSet {
  /** Number of this pass, counted from 1 in this process. Passes that threw have no number. */
  readonly pass: number;
  /** Observed cells whose value is new or different, or that now fail, in code-unit order of kind and key. */
  readonly changed: readonly CellChange[];
  /** Cells that are observed no more, though something was published of them. In no particular order. */
  readonly gone: readonly CellName[];
}

export interface CellChange extends CellName {
  /** Nothing was published of this cell before. */
  readonly isNew: boolean;
  /** `undefined` when the cell fails. */
  readonly value: unknown;
  readonly error: QueryError | undefined;
}

/** Monotonic counters since the graph was made; tests assert budgets on differences. */
export interface GraphCounters {
  /** Cells that were checked for whether they must run. */
  readonly verified: number;
  /** Query functions that ran. */
  readonly run: number;
  /** Dependency edges walked, both ways: marking what may be dirty, and verifying it. */
  readonly edges: number;
}

/** A recorded read with what it read in turn. */
export interface Dependency extends CellName {
  readonly type: 'input' | 'index' | 'query';
  /** In the order of the reads. Empty for inputs and indexes, and where `repeated`. */
  readonly dependencies: readonly Dependency[];
  /** Set where the cell has been expanded earlier in the same tree, depth first. */
  readonly repeated?: true;
}

/** Something outside of a fork that cells of the fork were made from. */
export interface ForkRead extends CellName {
  readonly type: 'input' | 'index' | 'query';
  /** Of the content; '' for an index key, whose members tell. */
  readonly hash: string;
  /** Of an index key, in code-unit order. */
  readonly members: readonly string[];
}

/** An override of one input: `undefined` removes it. */
export interface Override {
  readonly kind: AnyInput;
  readonly key: string;
  readonly value: unknown;
}

/** Asks whether the slice that the event loop grants is used up; injected, since the graph has no clock. */
export interface PassBudget {
  readonly exhausted: () => boolean;
  /**
   * How often that is asked: after so many steps (a read that is verified is one, a query that runs 16), and where a query
   * would have to run again, once so many cells are ready for it. 32 by default.
   */
  readonly grain?: number | undefined;
}
