import type { ChangeState } from '#libs/api';
import type { Delivery } from '#libs/changes';
import { note, printable } from '../output.js';
import { cut } from '../terminal.js';
import { counted } from './counted.js';

const WIDTH = 20;
/** In a log, a line as often as this, and only when it says something new. */
const NOTE_EVERY_MS = 1_000;

/** Shows states as they come: a line that is drawn anew for people, lines in a log. */
export interface Shown {
  show(state: ChangeState): void;
  /** The last one stays. */
  end(): void;
}

export const showing = (): Shown => (process.stderr.isTTY ? redrawn() : noted());

function redrawn(): Shown {
  let drawn = false;
  return {
    show({ change, delivery }) {
      if (!delivery) return;
      const { columns } = process.stderr;
      process.stderr.write(`\r${cut(bar(change, delivery), columns > 0 ? columns - 1 : undefined)}\u001b[K`);
      drawn = true;
    },
    end() {
      if (drawn) process.stderr.write('\n');
    },
  };
}

function noted(): Shown {
  let said = '';
  let next = performance.now() + NOTE_EVERY_MS;
  let waiting: { readonly line: string; readonly timer: NodeJS.Timeout } | undefined;
  const say = (line: string): void => {
    if (line === said) return;
    note(line);
    said = line;
    next = performance.now() + NOTE_EVERY_MS;
  };
  const drop = (): void => {
    clearTimeout(waiting?.timer);
    waiting = undefined;
  };
  return {
    show({ delivery }) {
      drop();
      if (!delivery || delivery.state !== 'Delivering') return;
      const line = `waiting: ${counted(delivery)} have it${refusals(delivery)}`;
      const wait = Math.max(0, next - performance.now());
      waiting = { line, timer: setTimeout(() => say(line), wait) };
    },
    end: drop,
  };
}

/** `c-41  [##########----------] 60/120 proxies  2 refused  0.4 s` */
export function bar(change: string, delivery: Delivery): string {
  const { acked, refusing, total, elapsedMs } = delivery;
  const full = total === 0 ? WIDTH : Math.floor(((acked + refusing) / total) * WIDTH);
  const meter = `[${'#'.repeat(full)}${'-'.repeat(WIDTH - full)}]`;
  return [
    ...[printable(change), `${meter} ${acked}/${total} proxies`],
    ...(refusing > 0 ? [`${refusing} refused`] : []),
    ...(pending(delivery) > 0 ? [`${pending(delivery)} replicas to come`] : []),
    `${seconds(elapsedMs)} s`,
  ].join('  ');
}

const pending = ({ replicas }: Delivery): number => replicas.filter((one) => one.pending).length;
const refusals = ({ refusing }: Delivery): string => (refusing > 0 ? `, ${refusing} refused` : '');

/** `0.04`, `1.2` */
export const seconds = (ms: number): string => (ms < 100 ? (ms / 1000).toFixed(3) : (ms / 1000).toFixed(1));
