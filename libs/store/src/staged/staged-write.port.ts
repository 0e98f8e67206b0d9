/** What a change may ask for when it is made. */

export interface StagedOptions {
  /** Percent of the touched proxies, rising, each above 0 and below 100; none = everybody at once. */
  readonly waves: readonly number[];
  /** Least time that each wave, and everybody at the end, is watched once all have it. Milliseconds. */
  readonly observeMs: number;
  /** How long ACKs are waited for before it is held. Milliseconds. */
  readonly ackMs: number;
  /** Taken back unless confirmed in so many milliseconds after everybody was given it; 0 = needs no confirmation. */
  readonly confirmMs: number;
  /** What takes it back by itself; otherwise it is held. */
  readonly revertOn: readonly ('nack' | 'failures' | 'disconnect')[];
  /** Share of those who were given it, 0 to 100 %, above which `revertOn` counts; on two hosts at least, always. */
  readonly tolerated: number;
}

/** What a write has to do with a staged change. */
export type StagedWrite =
  /** Everybody is given the change at once, and it is watched. */
  | { readonly watch: StagedOptions }
  /** An open change is given to everybody. */
  | { readonly promote: string }
  /** What a watched change did is undone. */
  | { readonly undo: string; readonly reason: string };
