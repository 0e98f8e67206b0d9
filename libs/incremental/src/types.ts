/**
 * The contract of the query graph. Inputs are frozen values set by key; indexes are kept up to date from inputs;
 * queries are pure synchronous functions that read others only through the `Ctx` they are handed.
 */

/** A kind of input: values by string key. `hash` decides whether a newly set value is a change. */
export interface InputKind<V> {
  readonly type: 'input';
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
  /** The index keys under which the input with this key and value is found. Pure. */
  readonly keysOf: (key: string, value: V) => readonly string[];
}

/** A memoised query: value by string key. Without `hash`, the value is hashed by its canonical JSON. */
export interface QueryKind<V> {
  readonly type: 'query';
  readonly name: string;
  readonly run: (ctx: Ctx, key: string) => V;
  readonly hash: (value: V) => string;
}

/** What a query may read. Every read is recorded as a dependency, a read of what does not exist too. */
export interface Ctx {
  input<V>(kind: InputKind<V>, key: string): V | undefined;
  /** Keys of the inputs filed under `key`, in code-unit order, without duplicates. */
  index<V>(kind: IndexKind<V>, key: string): readonly string[];
  /** Value of another query. If that one failed, rethrows its `QueryError`, so that failures reach whoever decides. */
  get<V>(kind: QueryKind<V>, key: string): V;
  /** Like `get`, with the failure as a value: for queries that decide what happens then. */
  tryGet<V>(
    kind: QueryKind<V>,
    key: string,
  ): { readonly ok: true; readonly value: V } | { readonly ok: false; readonly error: QueryError };
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

export interface CellName {
  readonly kind: string;
  readonly key: string;
}

/** What one pass changed among the observed cells. */
export interface ChangeSet {
  /** Number of this pass, counted from 1 in this process. */
  readonly pass: number;
  /** Observed cells whose value is new or different, or that now fail, in the order they were recomputed. */
  readonly changed: readonly CellChange[];
}

export interface CellChange extends CellName {
  readonly value: unknown;
  readonly error: QueryError | undefined;
}

/** Monotonic counters since the graph was made; tests assert budgets on differences. */
export interface GraphCounters {
  /** Cells that were checked for whether they must run. */
  readonly verified: number;
  /** Query functions that ran. */
  readonly run: number;
  /** Dependency edges walked. */
  readonly edges: number;
}

export interface Dependency extends CellName {
  readonly type: 'input' | 'index' | 'query';
  readonly dependencies: readonly Dependency[];
}

/** An override of one input: `undefined` removes it. */
export interface Override {
  readonly kind: InputKind<never>;
  readonly key: string;
  readonly value: unknown;
}
