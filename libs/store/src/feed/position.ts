import type { FeedEvent } from '../ports.js';

/** How far a reader has come. */
export interface Position {
  /** Of the database: another one means that revisions cannot be compared. */
  readonly epoch: string;
  readonly config: number;
  readonly runtime: number;
}

/** What a read found. */
export interface FeedRead {
  readonly position: Position;
  /** undefined: nothing is newer. */
  readonly event: FeedEvent | undefined;
}
