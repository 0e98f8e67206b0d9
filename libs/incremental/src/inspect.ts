import { compareCodeUnits, finish, type Steps } from '#libs/kernel';
import { NO_EDGE } from './edges.js';
import type { Engine } from './engine.js';
import type { CellName, Dependency } from './types.js';

/** Orders cells by kind, then key, by code units. */
export const compareCells = (a: CellName, b: CellName): number =>
  compareCodeUnits(a.kind, b.kind) || compareCodeUnits(a.key, b.key);

interface Node extends CellName {
  readonly type: Dependency['type'];
  readonly dependencies: Node[];
  repeated?: true;
}

/** The recorded reads of a settled cell as a tree; a cell met again is not expanded again. Uses no native stack. */
export function dependencyTree({ commons: { names }, edges }: Engine, root: number): Dependency {
  const node = (cell: number): Node => ({ ...names.name(cell), type: names.kind(cell).type, dependencies: [] });
  const expanded = new Set<number>([root]);
  const tree = node(root);
  const path: { readonly node: Node; edge: number }[] = [{ node: tree, edge: edges.firstRead(root) }];
  for (let top = path.at(-1); top; top = path.at(-1)) {
    if (top.edge === NO_EDGE) {
      path.pop();
      continue;
    }
    const read = edges.target(top.edge);
    top.edge = edges.nextRead(top.edge);
    const child = node(read);
    top.node.dependencies.push(child);
    if (expanded.has(read)) {
      if (edges.firstRead(read) !== NO_EDGE) child.repeated = true;
      continue;
    }
    expanded.add(read);
    path.push({ node: child, edge: edges.firstRead(read) });
  }
  return tree;
}

/** Adds to `reached` all cells that read one of `from`, directly or not; not `from` itself unless it is read so. */
export const addReaders = (engine: Engine, from: Iterable<number>, reached: Set<number>): void =>
  finish(addReadersInSteps(engine, from, reached));

/** Edges that are walked between two pauses. */
const EDGES = 256;

export function* addReadersInSteps({ edges }: Engine, from: Iterable<number>, reached: Set<number>): Steps<void> {
  const pending = [...from];
  let walked = 0;
  for (let cell = pending.pop(); cell !== undefined; cell = pending.pop()) {
    for (let edge = edges.firstReader(cell); edge !== NO_EDGE; edge = edges.nextReader(edge)) {
      walked += 1;
      if (walked % EDGES === 0) yield;
      const reader = edges.reader(edge);
      if (reached.has(reader)) continue;
      reached.add(reader);
      pending.push(reader);
    }
  }
}

/** Inputs that a cell was last made from, and members of the index keys it read unless they are skipped; sorted. */
export function inputsBehind(engine: Engine, root: number, skip: (indexKey: CellName) => boolean): readonly CellName[] {
  const { names } = engine.commons;
  if (!engine.has(root)) return [];
  const found = new Map<string, CellName>();
  const add = (name: CellName): void => void found.set(`${name.kind}\u0000${name.key}`, name);
  for (const cell of withReads(engine, [root])) {
    const kind = names.kind(cell);
    const name = names.name(cell);
    if (kind.type === 'input') add(name);
    if (kind.type !== 'index' || skip(name)) continue;
    for (const key of engine.cells.value(cell) as readonly string[]) add({ kind: kind.of.name, key });
  }
  return [...found.values()].sort(compareCells);
}

/** These cells and everything they read, directly or not. */
export function withReads({ edges }: Engine, from: Iterable<number>): Set<number> {
  const reached = new Set(from);
  for (const cell of reached) for (const read of edges.reads(cell)) reached.add(read);
  return reached;
}
