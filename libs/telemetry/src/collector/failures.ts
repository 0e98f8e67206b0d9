import type { FailureRecord } from '../model/index.js';
import { bytesOfFailure } from './bytes.js';
import type { RoomPart } from './live-room.js';

/** Records that are kept of one bucket of a mesh, and of them, of one kind of failure between the same two. */
const MOST = 1_000;
const MOST_ALIKE = 50;

/** The failures of one bucket, some of each kind. */
export class Failures {
  readonly kept: FailureRecord[] = [];
  readonly #alike = new Map<string, number>();

  constructor(private readonly room: RoomPart) {}

  /** @returns false when it is not kept: there are enough of its kind, or of all */
  add(record: FailureRecord): boolean {
    const { what, caller, callee, instance, outcome } = record;
    const kind = `${what} ${caller} ${callee} ${instance} ${outcome}`;
    const alike = this.#alike.get(kind) ?? 0;
    if (this.kept.length >= MOST || alike >= MOST_ALIKE || !this.room.take(bytesOfFailure(record))) return false;
    this.#alike.set(kind, alike + 1);
    this.kept.push(record);
    return true;
  }
}
