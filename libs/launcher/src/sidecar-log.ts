import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

const KEPT_LINES = 50;
const KEPT_BYTES = 16_384;

/** Keeps the newest lines of what a process prints, and hands each line on. */
export class LineTail {
  readonly #lines: string[] = [];
  readonly #onLine: (line: string) => void;

  constructor(onLine: (line: string) => void = () => {}) {
    this.#onLine = onLine;
  }

  /** Reads a stream to its end, so that the process never blocks on a full pipe. */
  follow(stream: Readable): void {
    createInterface({ input: stream }).on('line', (line) => {
      this.#lines.push(line);
      if (this.#lines.length > KEPT_LINES) this.#lines.shift();
      this.#onLine(line);
    });
  }

  /** The newest lines, oldest first; at most 50. */
  last(): readonly string[] {
    return [...this.#lines];
  }
}

/** The newest lines of a log file, at most 50 and 16 KiB; none when the file cannot be read. */
export function lastLinesOf(path: string): readonly string[] {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return [];
  }
  try {
    const size = fstatSync(file).size;
    const buffer = Buffer.alloc(Math.min(size, KEPT_BYTES));
    readSync(file, buffer, 0, buffer.length, size - buffer.length);
    return buffer.toString('utf8').trimEnd().split('\n').slice(-KEPT_LINES);
  } finally {
    closeSync(file);
  }
}

/** `[time][thread][level][component] [file:line] message`: only the message is for people. */
export const withoutPrefix = (line: string): string => line.replace(/^(\[[^\]]*\]\s*)+/, '').trim();
