import { Tooltip } from '@mantine/core';
import { type ReactNode, useSyncExternalStore } from 'react';
import { clockWords } from './clock';
import type { Tone } from './tone';
import css from './ui.module.css';

/** A word with its colour. */
export const Tag = ({ tone, children }: { readonly tone: Tone; readonly children: ReactNode }) => (
  <span className={`${css.tag} ${css[tone]}`}>
    <span className={css.dot} aria-hidden />
    {children}
  </span>
);

/** A name as a machine writes it. */
export const Mono = ({ children }: { readonly children: ReactNode }) => <span className={css.mono}>{children}</span>;

export interface Strand {
  readonly tone: Tone;
  readonly count: number;
  /** `acked` */
  readonly what: string;
}

/** So many threads can be told apart; more are drawn as bands. */
const THREADS = 64;

/** Our measure of "so many of so many": a thread for each, or bands where there are many. */
export function Weave({ strands, big = false }: { readonly strands: readonly Strand[]; readonly big?: boolean }) {
  const total = strands.reduce((sum, { count }) => sum + count, 0);
  const words = strands.filter(({ count }) => count > 0).map(({ count, what }) => `${count} ${what}`);
  const drawn =
    total > THREADS
      ? strands.map(({ tone, count, what }) =>
          count === 0 ? null : (
            <span key={what} className={`${css.threadWide} ${css[tone]}`} style={{ flexGrow: count }} />
          ),
        )
      : strands.flatMap(({ tone, count, what }) =>
          Array.from({ length: count }, (_, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: threads of one kind have nothing else to be told apart by
            <span key={`${what}${i}`} className={`${css.thread} ${css[tone]}`} />
          )),
        );
  return (
    <Tooltip label={words.join(', ') || 'none'}>
      <div className={`${css.weave} ${big ? css.weaveBig : ''}`} role="img" aria-label={words.join(', ') || 'none'}>
        {total === 0 ? <span className={css.noThread} /> : drawn}
      </div>
    </Tooltip>
  );
}

const listeners = new Set<() => void>();
let minute = Date.now();
setInterval(() => {
  minute = Date.now();
  for (const listener of listeners) listener();
}, 10_000);
const onMinute = (listener: () => void): (() => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
] as const;

function spanOf(ms: number): string {
  const seconds = Math.abs(ms) / 1_000;
  for (const [unit, size] of UNITS) if (seconds >= size) return `${Math.floor(seconds / size)} ${unit}`;
  return `${Math.floor(seconds)} s`;
}

/** A time as how long ago, or until when; its exact value is a hover, or a screen reader, away. */
export function Time({ at }: { readonly at: string }) {
  // Drawn again from time to time; what is true is the clock.
  useSyncExternalStore(onMinute, () => minute);
  const ms = Date.now() - Date.parse(at);
  const exact = new Date(at).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'long' });
  // Clocks of server and reader differ by a little: what is about now is now.
  const words = Math.abs(ms) < 10_000 ? 'just now' : ms < 0 ? `in ${spanOf(ms)}` : `${spanOf(ms)} ago`;
  return (
    <Tooltip label={exact}>
      <time dateTime={at}>{words}</time>
    </Tooltip>
  );
}

/** A time by the clock and as how long ago: what logs and colleagues are asked by. */
export const Moment = ({ at }: { readonly at: string }) => (
  <>
    {clockWords(at, Date.now())}, <Time at={at} />
  </>
);

/** The same, for a cell of a table. */
export const When = ({ at }: { readonly at: string }) => (
  <>
    <div>{clockWords(at, Date.now())}</div>
    <div className={css.rowText}>
      <Time at={at} />
    </div>
  </>
);

/** `3 proxies`, `1 proxy` */
export const counted = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;
