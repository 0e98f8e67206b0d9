import 'uplot/dist/uPlot.min.css';
import { useComputedColorScheme } from '@mantine/core';
import { type RefObject, useEffect, useMemo, useRef, useState } from 'react';
import uPlot from 'uplot';
import css from './chart.module.css';
import { type Frame, timeWords } from './frame';
import { type Drawn, type Line, optionsOf } from './plot';
import { plotted, type Step } from './steps';

interface ChartProps {
  readonly title: string;
  /** What is said of it beside its title. */
  readonly note?: string;
  readonly frame: Frame & { readonly stepMs: number };
  readonly steps: readonly Step[];
  readonly lines: readonly Line[];
  readonly words: (value: number) => string;
  readonly sync: string;
  /** Milliseconds since the epoch. */
  readonly marks?: readonly number[];
  readonly onBetween: (fromMs: number, toMs: number) => void;
}

const HEIGHT = 168;

/** Lines over time, on a canvas. Its numbers in words are its name; all of them belong in a table beside it. */
export function Chart({ title, note, frame, steps, lines, words, sync, marks = [], onBetween }: ChartProps) {
  const { data, bands } = useMemo(() => plotted(steps, lines.length, frame), [steps, lines, frame]);
  const drawn: Drawn = { ...frame, bands, marks };
  const [moment, setMoment] = useState<number | undefined>();
  const place = useRef<HTMLDivElement>(null);
  usePlot({ place, lines, words, sync, data, drawn, onMoment: setMoment, onBetween });
  const shown = stepAt(steps, frame, moment);
  return (
    <figure className={css.chart}>
      <figcaption className={css.head}>
        <span className={css.title}>{title}</span>
        {note && <span className={css.note}>{note}</span>}
        <span className={css.moment} aria-hidden>
          {shown && (
            <>
              <span className={css.at}>{timeWords(shown.at, frame)}</span>
              {lines.map(({ name, colour }, i) => {
                const value = shown.values[i];
                return (
                  <span key={name} className={css.value}>
                    <span className={css.swatch} style={{ background: `var(--h-${colour})` }} />
                    {lines.length > 1 && `${name} `}
                    {value === null || value === undefined ? '–' : words(value)}
                  </span>
                );
              })}
              {shown.isIncomplete && <span className={css.at}>incomplete</span>}
            </>
          )}
        </span>
      </figcaption>
      <div ref={place} className={css.plot} role="img" aria-label={summaryOf({ title, steps, lines, words })} />
    </figure>
  );
}

/** What the cursor is at; without one the newest step that is whole. */
function stepAt(steps: readonly Step[], { from, stepMs }: ChartProps['frame'], moment: number | undefined) {
  if (moment === undefined) return steps.findLast(({ isIncomplete }) => !isIncomplete) ?? steps.at(-1);
  return steps.find(({ at }) => at === from + moment * stepMs);
}

/** `Requests a second: newest 12, lowest 3, highest 40.` A step that has just begun says nothing yet. */
function summaryOf({ title, steps, lines, words }: Pick<ChartProps, 'title' | 'steps' | 'lines' | 'words'>): string {
  const sentences = lines.map(({ name }, i) => {
    const known = steps.flatMap(({ values }) => values[i] ?? []);
    const whole = steps.flatMap(({ values, isIncomplete }) => (isIncomplete ? [] : (values[i] ?? [])));
    const newest = whole.at(-1) ?? known.at(-1);
    const of = lines.length > 1 ? `${name}: ` : '';
    if (newest === undefined) return `${of}nothing is known.`;
    return `${of}newest ${words(newest)}, lowest ${words(Math.min(...known))}, highest ${words(Math.max(...known))}.`;
  });
  return `${title}. ${sentences.join(' ')}`;
}

interface UsePlot {
  readonly place: RefObject<HTMLDivElement | null>;
  readonly lines: readonly Line[];
  readonly words: (value: number) => string;
  readonly sync: string;
  readonly data: uPlot.AlignedData;
  readonly drawn: Drawn;
  readonly onMoment: (index: number | undefined) => void;
  readonly onBetween: (fromMs: number, toMs: number) => void;
}

/** The plot is made once for a set of lines and a scheme of colours; what it shows is put into it. */
function usePlot({ place, lines, words, sync, data, drawn, onMoment, onBetween }: UsePlot): void {
  const scheme = useComputedColorScheme('light');
  const plot = useRef<uPlot>(undefined);
  const now = useRef({ drawn, onBetween, data, words });
  now.current = { drawn, onBetween, data, words };
  const names = lines.map(({ name }) => name).join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: lines are told apart by their names, colours by the scheme
  useEffect(() => {
    const { current: element } = place;
    if (element === null) return;
    const made = new uPlot(
      optionsOf({
        ...{ width: element.clientWidth, height: HEIGHT, lines, sync, onMoment },
        words: (value) => now.current.words(value),
        drawn: () => now.current.drawn,
        onBetween: (from, to) => now.current.onBetween(from, to),
      }),
      now.current.data,
      element,
    );
    plot.current = made;
    const sizes = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }));
    sizes.observe(element);
    return () => {
      sizes.disconnect();
      plot.current = undefined;
      made.destroy();
    };
  }, [names, sync, scheme]);
  const key = JSON.stringify([drawn.from, drawn.to, drawn.bands, drawn.marks]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is drawn behind the lines counts, too
  useEffect(() => plot.current?.setData(data), [data, key]);
}
