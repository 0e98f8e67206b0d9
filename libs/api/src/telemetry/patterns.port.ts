import type { Tracked } from '#libs/patterns';

/** Named patterns of failures, as the job that looks for them has left them. */
export interface PatternReader {
  /** What goes on, and what was over after `from`: the oldest first. @param from milliseconds since the epoch */
  list(mesh: string, from: number): Promise<readonly Tracked[]>;
}
