import type { Session } from './command.js';
import { note } from './output.js';

export interface ChangeProgress {
  readonly change: string;
  readonly started: boolean;
  readonly total: number;
  readonly acked: number;
  readonly elapsedMs: number;
  readonly refused: readonly {
    readonly proxy: string;
    readonly type: string;
    readonly name: string;
    readonly message: string;
  }[];
  /** Node ids of those that have not answered. */
  readonly behind: readonly string[];
}

const WIDTH = 30;
const ASK_EVERY_MS = 100;
/** In a log, a line as often as this, and only when it says something new. */
const NOTE_EVERY_MS = 1000;

/** Every proxy has answered, well or not. */
export const isFinished = ({ started, acked, refused, total }: ChangeProgress): boolean =>
  started && acked + refused.length >= total;

/** Follows a change until every proxy has answered or the time is over: with a bar for people, with lines in a log. */
export async function followDelivery(s: Session, change: string, timeoutMs: number): Promise<ChangeProgress> {
  const deadline = performance.now() + timeoutMs;
  const show = process.stderr.isTTY ? drawBar : noteLines();
  for (;;) {
    const progress = await s.rest.get<ChangeProgress>(`${s.meshPath}/changes/${change}`);
    const last = isFinished(progress) || performance.now() > deadline;
    show(progress, last);
    if (last) return progress;
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
  }
}

function drawBar(progress: ChangeProgress, last: boolean): void {
  const share = progress.total === 0 ? 1 : progress.acked / progress.total;
  const full = Math.round(share * WIDTH);
  process.stderr.write(`\r[${'#'.repeat(full)}${'.'.repeat(WIDTH - full)}] ${counted(progress)}${last ? '\n' : ''}`);
}

function noteLines(): (progress: ChangeProgress, last: boolean) => void {
  let said = '';
  let next = performance.now() + NOTE_EVERY_MS;
  return (progress, last) => {
    const line = `waiting: ${counted(progress)} have it`;
    if (last || line === said || performance.now() < next) return;
    note(line);
    said = line;
    next = performance.now() + NOTE_EVERY_MS;
  };
}

/** `3 of 10 proxies` */
export const counted = ({ acked, total }: ChangeProgress): string => `${acked} of ${total} proxies`;
