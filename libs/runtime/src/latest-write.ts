import type { Clock, Log } from '#libs/kernel';
import { type Instances, type InstanceTransition, StoreUnavailable } from '#libs/store';

const RETRY_MS = 1_000;

export interface LatestWriteOptions {
  readonly instances: Pick<Instances, 'transition'>;
  readonly clock: Clock;
  readonly log: Log;
  /** Called with what was written, or given up, if nothing newer is to be written. */
  readonly done?: (transition: InstanceTransition) => void;
}

/**
 * What is yet to be written of one thing: of what comes while Postgres is away, or does not answer, only the newest counts.
 * One write at a time, tried again every second until it is written (REL-2).
 */
export class LatestWrite {
  #due: InstanceTransition | undefined;
  /** Under way, or waiting to be tried again. */
  #isBusy = false;

  constructor(private readonly options: LatestWriteOptions) {}

  /** Not known to be written. */
  get due(): InstanceTransition | undefined {
    return this.#due;
  }

  /** In place of what is due. */
  set(transition: InstanceTransition): void {
    this.#due = transition;
    if (!this.#isBusy) this.#write(transition);
  }

  /** Nothing is wanted any more; what is under way still ends. */
  clear(): void {
    this.#due = undefined;
  }

  #write(transition: InstanceTransition): void {
    const { instances, clock, log } = this.options;
    this.#isBusy = true;
    instances.transition(transition).then(
      () => this.#ended(transition),
      (error: unknown) => {
        if (error instanceof StoreUnavailable) {
          clock.after(RETRY_MS, () => this.#next());
          return;
        }
        log.error('an instance transition failed', {
          op: transition.op,
          instance: transition.name,
          reason: String(error),
        });
        this.#ended(transition);
      },
    );
  }

  #ended(transition: InstanceTransition): void {
    if (this.#due === transition) this.#due = undefined;
    this.#next();
    if (!this.#isBusy) this.options.done?.(transition);
  }

  #next(): void {
    this.#isBusy = false;
    if (this.#due) this.#write(this.#due);
  }
}
