import { defineIndex, defineInput, defineQuery } from './define.js';
import type { AnyQuery, Ctx, IndexKind, InputKind, Outcome, QueryKind } from './types.js';
import { QueryError } from './types.js';

/** One step of a random query: what it reads decides what it reads next. */
export type Step =
  | { readonly op: 'input'; readonly key: number }
  | { readonly op: 'members'; readonly key: number }
  | { readonly op: 'node'; readonly key: number }
  | { readonly op: 'try'; readonly key: number }
  | { readonly op: 'branch'; readonly on: number; readonly even: number; readonly odd: number }
  | { readonly op: 'failIf'; readonly key: number };

/** The steps of every node; node `n` is query `node` with key `n`. */
export type Program = readonly (readonly Step[])[];

export interface World {
  readonly number: InputKind<number>;
  readonly byRemainder: IndexKind<number>;
  readonly node: QueryKind<number>;
  /** Lists nodes, boxes, and other shelves that list more: `n3`, `b0`, `s1`. */
  readonly shelf: QueryKind<readonly string[]>;
  /** Lists nodes, and no difference tells of it. */
  readonly box: QueryKind<readonly string[]>;
}

/** Kinds for a random program. With `acyclic`, a read of a node at or above the reader goes to input 0 instead. */
export function world(program: Program, acyclic: boolean): World {
  const number = defineInput<number>('number');
  const byRemainder = defineIndex({ name: 'byRemainder', of: number, keysOf: (_, value) => remainders(value) });
  const node: QueryKind<number> = defineQuery({
    name: 'node',
    run: (ctx, key) => {
      const self = Number(key);
      const follow = (target: number, attempt: boolean): number => {
        if (acyclic && target >= self) return ctx.input(number, '0') ?? -1;
        if (!attempt) return ctx.get(node, String(target));
        const outcome = ctx.tryGet(node, String(target));
        return outcome.ok ? outcome.value : 7;
      };
      return (program[self] ?? []).reduce((sum, step) => (sum * 3 + runStep(step, ctx, follow)) % 11, self);
    },
  });
  const runStep = (step: Step, ctx: Ctx, follow: (target: number, attempt: boolean) => number): number => {
    const input = (key: number): number => ctx.input(number, String(key)) ?? -1;
    switch (step.op) {
      case 'input':
        return input(step.key);
      case 'members':
        return ctx.index(byRemainder, String(step.key)).reduce((sum, key) => sum * 2 + input(Number(key)), 1);
      case 'node':
        return follow(step.key, false);
      case 'try':
        return follow(step.key, true);
      case 'branch':
        return follow(input(step.on) % 2 === 0 ? step.even : step.odd, false);
      case 'failIf':
        if (input(step.key) === 3) throw new Error(`input ${step.key} is 3`);
        return 0;
    }
  };
  const shelf: QueryKind<readonly string[]> = defineQuery<readonly string[]>({
    name: 'shelf',
    run: (ctx, key) => {
      const outcome = ctx.tryGet(node, key);
      const isOdd = outcome.ok && outcome.value % 2 === 1;
      const members = ctx.index(byRemainder, key).map((member) => `n${member}`);
      return isOdd && Number(key) < SHELVES - 1 ? [...members, `s${Number(key) + 1}`] : members;
    },
    lists: (cells, add, key) => {
      add(box, boxOf(key));
      for (const cell of cells) add(cell.startsWith('s') ? shelf : node, cell.slice(1));
    },
  });
  const box: QueryKind<readonly string[]> = defineQuery<readonly string[]>({
    name: 'box',
    run: (ctx, key) => ctx.index(byRemainder, key).map((member) => `n${member}`),
    lists: (cells, add) => {
      for (const cell of cells) add(node, cell.slice(1));
    },
    isInner: true,
  });
  return { number, byRemainder, node, shelf, box };
}

/** The box that a shelf lists whatever its value is. */
export const boxOf = (shelf: string): string => String((Number(shelf) + 1) % 2);

/** There are shelves 0, 1 and 2. */
export const SHELVES = 3;

const remainders = (value: number): string[] => [String(value % 3), String(value % 2), String(value % 3)];

/** The oracle: the same queries by plain recursion, without memory, over plain maps. For acyclic programs. */
export function plainly({ byRemainder }: World, inputs: ReadonlyMap<string, number>, query: AnyQuery, key: string) {
  const ctx: Ctx = {
    input: <V>(_kind: InputKind<V>, k: string) => inputs.get(k) as V | undefined,
    index: (_kind, k) =>
      [...inputs]
        .filter(([inputKey, value]) => byRemainder.keysOf(inputKey, value).includes(k))
        .map(([inputKey]) => inputKey)
        .sort(),
    get: (query, k) => {
      const outcome = ctx.tryGet(query, k);
      if (!outcome.ok) throw outcome.error;
      return outcome.value;
    },
    tryGet: <V>(query: QueryKind<V>, k: string): Outcome<V> => {
      try {
        return { ok: true, value: query.run(ctx, k) };
      } catch (thrown) {
        const error = thrown instanceof QueryError ? thrown : new QueryError({ kind: query.name, key: k }, thrown);
        return { ok: false, error };
      }
    },
  };
  return ctx.tryGet(query as QueryKind<unknown>, key);
}

/** An outcome as text, to compare. */
export const show = (outcome: Outcome<unknown>): string =>
  outcome.ok ? `= ${String(outcome.value)}` : `! ${outcome.error.message}`;
