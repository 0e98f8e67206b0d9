import type { Session } from './command.js';

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
  readonly behind: readonly string[];
}

const WIDTH = 30;

/** Follows a change until every proxy has answered or the time is over, with a bar when a person looks. */
export async function followDelivery(session: Session, change: string, timeoutMs: number): Promise<ChangeProgress> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const progress = await session.rest.get<ChangeProgress>(`${session.meshPath}/changes/${change}`);
    const finished = progress.started && progress.acked + progress.refused.length >= progress.total;
    draw(progress, finished);
    if (finished || performance.now() > deadline) return progress;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function draw(progress: ChangeProgress, last: boolean): void {
  if (!process.stderr.isTTY) return;
  const share = progress.total === 0 ? 1 : progress.acked / progress.total;
  const full = Math.round(share * WIDTH);
  process.stderr.write(
    `\r[${'#'.repeat(full)}${'.'.repeat(WIDTH - full)}] ${progress.acked} of ${progress.total} proxies${last ? '\n' : ''}`,
  );
}
