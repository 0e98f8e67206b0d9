import type { Seen } from '../access/access-control.js';

/** Who reads: what is shown to him is what he may know. */
export interface AspectReader {
  mayRead(item: Seen): boolean;
}

export interface AspectState {
  readonly value: object;
  /** Nothing more will happen: events of the change may end. */
  readonly isFinal: boolean;
}

/**
 * Something that is known of changes beside their items and delivery, such as the stages of one that is rolled out. It
 * is a member of the page and of every event, under its name. Changes of other sorts than `c-<revision>` exist for REST
 * when an aspect knows them.
 */
export interface ChangeAspect {
  /** Of the member: `staged`. */
  readonly name: string;
  /** Undefined = it says nothing of this change, or not to this reader. @throws StoreUnavailable */
  read(mesh: string, change: string, reader: AspectReader): Promise<AspectState | undefined>;
  /** Calls back whenever `read` may say something else, on whichever replica it came about. @returns stops that */
  watch(mesh: string, change: string, listener: () => void): () => void;
}
