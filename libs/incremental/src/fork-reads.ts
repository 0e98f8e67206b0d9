import { eachOf, type Steps, sortedInSteps } from '#libs/kernel';
import { CLEAN } from './cells.js';
import { NO_MEMBERS } from './indexes.js';
import { addReadersInSteps, compareCells } from './inspect.js';
import type { AnyIndex, AnyQuery, ForkRead } from './types.js';
import type { Version } from './version.js';

/** Cells that are looked at between two pauses. */
const CELLS = 64;

/**
 * Walks down from the observed cells of these queries that the overrides reach to what they do not: inputs that are not
 * overridden, index keys as the parent has them, and values that are the parent's too. While all of it is the same, the
 * same overrides give the same values, also where those differ from the parent's in nothing.
 * @param overridden inputs and index keys that are others in the fork
 */
export function* readsOutside(
  { engine }: Version,
  parent: Version,
  overridden: readonly number[],
  queries: ReadonlySet<AnyQuery>,
): Steps<readonly ForkRead[]> {
  const { names } = engine.commons;
  const reached = new Set<number>();
  yield* addReadersInSteps(engine, overridden, reached);
  const pending: number[] = [];
  yield* eachOf(reached, (cell) => {
    const kind = names.kind(cell);
    const isWanted = kind.type === 'query' && queries.has(kind);
    if (isWanted && engine.cells.observers(cell) > 0 && engine.cells.state(cell) === CLEAN) pending.push(cell);
  });
  const given = new Set(overridden);
  const seen = new Set(pending);
  const found: ForkRead[] = [];
  for (let cell = pending.pop(), walked = 0; cell !== undefined; cell = pending.pop()) {
    walked += 1;
    if (walked % CELLS === 0) yield;
    const kind = names.kind(cell);
    const name = names.name(cell);
    if (kind.type === 'index') {
      found.push({ ...name, type: 'index', hash: '', members: membersOf(parent, kind, cell) });
    } else if (!reached.has(cell)) {
      if (!given.has(cell))
        found.push({ ...name, type: kind.type, hash: engine.cells.hash(cell), members: NO_MEMBERS });
    } else {
      for (const read of engine.edges.reads(cell)) {
        if (seen.has(read)) continue;
        seen.add(read);
        pending.push(read);
      }
    }
  }
  return yield* sortedInSteps(found, compareCells);
}

function membersOf(parent: Version, kind: AnyIndex, cell: number): readonly string[] {
  parent.open(kind);
  return parent.engine.has(cell) ? (parent.engine.cells.value(cell) as readonly string[]) : NO_MEMBERS;
}
