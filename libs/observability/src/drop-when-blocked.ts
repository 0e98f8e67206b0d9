import type { Writable } from 'node:stream';

/** Bytes that may wait for a reader that has stopped; beyond it lines are dropped. */
const MOST_WAITING = 1 << 20;

/**
 * A destination for log lines that never blocks and never grows without end: while more than 1 MiB waits to be read,
 * lines are dropped and counted, and the first line that gets through again is preceded by one that tells how many
 * are missing (REL-35).
 */
export function dropWhenBlocked(
  stream: Writable,
  onDropped?: (total: number) => void,
): { write(line: string): void; readonly dropped: number } {
  let total = 0;
  let told = 0;
  // A pipe whose reader has gone raises EPIPE; without a listener that would end the process.
  stream.on('error', () => {
    total += 1;
    onDropped?.(total);
  });
  return {
    get dropped() {
      return total;
    },
    write(line) {
      if (stream.destroyed || stream.writableLength > MOST_WAITING) {
        total += 1;
        onDropped?.(total);
        return;
      }
      if (total > told) {
        stream.write(
          `${JSON.stringify({ level: 'warn', time: Date.now(), message: 'log lines were dropped because nobody read them', lines: total - told })}\n`,
        );
        told = total;
      }
      stream.write(line);
    },
  };
}
