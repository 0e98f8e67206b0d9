import type { Engine } from './engine.js';
import { NO_MEMBERS } from './indexes.js';
import { compareCells } from './inspect.js';
import type { AnyKind, AnyQuery, ForkRead } from './types.js';

/**
 * Walks down from cells that a fork computed itself to what it did not make: inputs that are not overridden, index keys as
 * the parent has them, and values shared with the parent. While all of it is the same, the same overrides give the same
 * values, also where those differ from the parent's in nothing.
 */
export function readsOutside(
  fork: Engine,
  parent: Engine,
  queries: Iterable<AnyQuery>,
  isOverridden: (kind: AnyKind, key: string) => boolean,
): readonly ForkRead[] {
  const pending = [...queries].flatMap((query) => {
    const cells = [...(fork.cells.tables.get(query)?.ids.values() ?? [])];
    return cells.filter((cell) => fork.edges.reads(cell).length > 0);
  });
  const seen = new Set(pending);
  const found: ForkRead[] = [];
  for (let cell = pending.pop(); cell !== undefined; cell = pending.pop()) {
    const reads = fork.edges.reads(cell);
    for (const read of reads) {
      if (seen.has(read)) continue;
      seen.add(read);
      pending.push(read);
    }
    const kind = fork.cells.kind(cell);
    const name = fork.cells.name(cell);
    if (kind.type === 'index') {
      const theirs = parent.cells.find(kind, name.key);
      const members = theirs === undefined ? NO_MEMBERS : (parent.cells.value(theirs) as readonly string[]);
      found.push({ ...name, type: 'index', hash: '', members });
    } else if (reads.length === 0 && !isOverridden(kind, name.key)) {
      found.push({ ...name, type: kind.type, hash: fork.cells.hash(cell), members: NO_MEMBERS });
    }
  }
  return found.sort(compareCells);
}
