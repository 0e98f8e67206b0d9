import type { Log } from '#libs/kernel';

/** Steps that undo the start, run in the opposite order: what was started last stops first. */
export class Shutdown {
  private readonly steps: { readonly name: string; readonly run: () => void | Promise<void> }[] = [];
  private running: Promise<void> | undefined;

  add(name: string, run: () => void | Promise<void>): void {
    this.steps.push({ name, run });
  }

  /** Runs every step, also after one has failed; asked twice, it runs once. */
  run(log: Log): Promise<void> {
    this.running ??= this.runAll(log);
    return this.running;
  }

  private async runAll(log: Log): Promise<void> {
    for (let step = this.steps.pop(); step !== undefined; step = this.steps.pop()) {
      try {
        await step.run();
      } catch (error) {
        log.error('a step of stopping failed', { step: step.name, error });
      }
    }
  }
}
