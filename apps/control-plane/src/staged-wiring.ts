import { type ChangesDeps, StagedRunner } from '#libs/changes';
import type { Clock, Log, Metrics } from '#libs/kernel';
import type { FeedEvent } from '#libs/store';
import type { WiredRuntime } from './runtime-wiring.js';

export interface StagedParts {
  readonly deps: ChangesDeps;
  readonly runtime: Pick<WiredRuntime, 'evidence'>;
  readonly replica: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Moves staged changes on, from now until it is stopped. */
export function startStaged({ runtime, ...rest }: StagedParts): StagedRunner {
  const runner = new StagedRunner({ ...rest, evidence: runtime.evidence });
  runner.start();
  return runner;
}

/** Whether an event of the feed is about a staged change. */
export const isStagedEvent = (event: FeedEvent): boolean =>
  event.kind === 'snapshot' ? event.snapshot.candidates.length > 0 : event.candidates.size > 0;
