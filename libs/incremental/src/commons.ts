import type { Names } from './names.js';
import type { AnyIndex, AnyKind } from './types.js';

/** Where an engine finds what it has no cell for yet. */
export interface Source {
  /** Called when an index kind is met that this version has not opened: gives its cells their members. */
  open(kind: AnyIndex): void;
  /** Gives a new cell its first content and state. */
  admit(cell: number, kind: AnyKind): void;
}

/** What the versions of one graph have in common. */
export interface Commons {
  readonly names: Names;
  readonly counters: { verified: number; run: number; edges: number };
  /** Query functions on the native stack, of whichever version. */
  readonly native: { depth: number };
}
