import type { Engine } from './engine.js';
import { NO_MEMBERS } from './indexes.js';
import { compareCells } from './inspect.js';
import type { AnyKind, ForkRead } from './types.js';

/**
 * Walks down from settled cells of a fork to what it did not make itself: inputs that are not overridden, index keys as the
 * parent has them, and values shared with the parent.
 */
export function readsOutside(
  fork: Engine,
  parent: Engine,
  from: readonly number[],
  isOverridden: (kind: AnyKind, key: string) => boolean,
): readonly ForkRead[] {
  const pending = [...from];
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
