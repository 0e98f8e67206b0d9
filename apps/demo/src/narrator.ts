/** Tells what happens: one line a fact, so that a log of the demo reads like a report. */
const started = performance.now();
const useColor = process.stdout.isTTY && !process.env['NO_COLOR'];
const paint = (code: number, text: string): string => (useColor ? `\u001b[${code}m${text}\u001b[0m` : text);
const seconds = (): string => `${((performance.now() - started) / 1000).toFixed(1)}s`.padStart(7);

export function heading(text: string): void {
  process.stdout.write(`\n${paint(1, text)}\n`);
}

export function tell(text: string): void {
  process.stdout.write(`${paint(2, seconds())}  ${text}\n`);
}

/** A claim that was checked by real requests. */
export function proven(text: string): void {
  process.stdout.write(`${paint(2, seconds())}  ${paint(32, 'ok')}  ${text}\n`);
}

export class DemoFailure extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'DemoFailure';
  }
}

/** Checks a claim: the demo ends, with exit code 1, at the first that does not hold. */
export function prove(condition: boolean, claim: string, found: unknown): void {
  if (!condition)
    throw new DemoFailure(
      `not so: ${claim}\n         found: ${typeof found === 'string' ? found : JSON.stringify(found)}`,
    );
  proven(claim);
}

/** Runs work that may take more than a second, and says every 5 s that it still runs. */
export async function during<T>(what: string, work: () => Promise<T>): Promise<T> {
  tell(`${what} ...`);
  const begun = performance.now();
  const reminder = setInterval(
    () => tell(`  still: ${what} (${Math.round((performance.now() - begun) / 1000)} s)`),
    5_000,
  );
  try {
    return await work();
  } finally {
    clearInterval(reminder);
  }
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Waits until `check` gives something, asking every 50 ms, also when it failed.
 * @throws DemoFailure after `timeoutMs`, or at once when `check` throws one: then waiting is in vain
 */
export async function until<T>(
  what: string,
  timeoutMs: number,
  check: () => Promise<T | undefined | false>,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  let last: unknown;
  while (performance.now() < deadline) {
    try {
      const value = await check();
      if (value) return value;
    } catch (error) {
      if (error instanceof DemoFailure) throw error;
      last = error;
    }
    await sleep(50);
  }
  throw new DemoFailure(`${what}: not within ${timeoutMs / 1000} s${last ? ` (${String(last)})` : ''}`);
}
