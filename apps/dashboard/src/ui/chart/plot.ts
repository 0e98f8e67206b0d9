/** What uPlot is told: colours from the tokens, lines that are not whole dashed, holes and marks drawn behind. */
import uPlot from 'uplot';
import { AXIS_PX, type Frame, RIGHT_PX, timeWords } from './frame';
import type { Band } from './steps';

export interface Line {
  readonly name: string;
  /** Its colour is `--h-<colour>`. */
  readonly colour: 'line-a' | 'line-b' | 'line-c' | 'bad-fill';
  readonly isFilled?: boolean;
}

/** What may change while a chart stays. */
export interface Drawn extends Frame {
  readonly bands: readonly Band[];
  /** Milliseconds since the epoch. */
  readonly marks: readonly number[];
}

export interface PlotOptions {
  readonly width: number;
  readonly height: number;
  readonly lines: readonly Line[];
  readonly words: (value: number) => string;
  /** Charts with the same one show the same moment. */
  readonly sync: string;
  readonly drawn: () => Drawn;
  readonly onMoment: (index: number | undefined) => void;
  readonly onBetween: (fromMs: number, toMs: number) => void;
}

const colourOf = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(`--h-${name}`).trim();

/** A point between two holes has no line to be seen by. */
function lonely(plot: uPlot, series: number): number[] {
  const values = plot.data[series] ?? [];
  const isThere = (i: number): boolean => values[i] !== null && values[i] !== undefined;
  return [...values.keys()].filter((i) => isThere(i) && !isThere(i - 1) && !isThere(i + 1));
}

function seriesOf({ name, colour, isFilled = false }: Line): uPlot.Series[] {
  const stroke = colourOf(colour);
  const points: uPlot.Series.Points = { show: true, size: 5, fill: stroke, filter: lonely };
  const common: uPlot.Series = { stroke, spanGaps: false, points };
  const fill = isFilled ? { fill: `color-mix(in srgb, ${stroke} 14%, transparent)` } : {};
  return [
    { ...common, label: name, width: 1.8, ...fill },
    { ...common, label: `${name}, incomplete`, width: 1.4, dash: [4, 4], ...fill },
  ];
}

const HATCH_PX = 7;

function drawBands(plot: uPlot, { bands }: Drawn): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (const { from, to, what } of bands) {
    const [left, right] = [from, to].map((at) => plot.valToPos(at / 1_000, 'x', true));
    if (left === undefined || right === undefined) continue;
    ctx.fillStyle = colourOf('sunk');
    ctx.fillRect(left, bbox.top, right - left, bbox.height);
    if (what === 'incomplete') hatch(ctx, { left, right, top: bbox.top, height: bbox.height });
  }
  ctx.restore();
}

function hatch(
  ctx: CanvasRenderingContext2D,
  {
    left,
    right,
    top,
    height,
  }: { readonly left: number; readonly right: number; readonly top: number; readonly height: number },
): void {
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, right - left, height);
  ctx.clip();
  ctx.strokeStyle = colourOf('line-strong');
  ctx.lineWidth = 1;
  ctx.beginPath();
  for (let x = left - height; x < right; x += HATCH_PX * devicePixelRatio) {
    ctx.moveTo(x, top + height);
    ctx.lineTo(x + height, top);
  }
  ctx.stroke();
  ctx.restore();
}

function drawMarks(plot: uPlot, { marks, from, to }: Drawn): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = colourOf('ink-3');
  ctx.lineWidth = 1;
  ctx.setLineDash([2, 3]);
  ctx.beginPath();
  for (const at of marks.filter((one) => one >= from && one <= to)) {
    const x = Math.round(plot.valToPos(at / 1_000, 'x', true)) + 0.5;
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
  }
  ctx.stroke();
  ctx.restore();
}

function axesOf({ words, drawn }: PlotOptions): uPlot.Axis[] {
  const [ink, line] = [colourOf('ink-3'), colourOf('line')];
  const common: uPlot.Axis = {
    ...{ stroke: ink, font: "11px 'Inter Variable', system-ui, sans-serif" },
    ...{ grid: { stroke: line, width: 1 }, ticks: { show: false } },
  };
  return [
    { ...common, size: 28, space: 74, values: (_, times) => times.map((at) => timeWords(at * 1_000, drawn())) },
    { ...common, size: AXIS_PX, space: 34, values: (_, values) => values.map((value) => words(value)) },
  ];
}

/** From 0, up to a little above the highest. */
const upTo = (_: uPlot, __: number, highest: number | null): uPlot.Range.MinMax => [
  0,
  highest === null || highest <= 0 ? 1 : highest * 1.12,
];

export function optionsOf(options: PlotOptions): uPlot.Options {
  const { width, height, lines, sync, drawn, onMoment, onBetween } = options;
  return {
    ...{ width, height, legend: { show: false }, padding: [8, RIGHT_PX, 0, 0] },
    cursor: { sync: { key: sync }, drag: { x: true, y: false, setScale: false }, y: false, points: { size: 7 } },
    scales: {
      x: { time: true, range: () => [drawn().from / 1_000, drawn().to / 1_000] },
      y: { range: upTo },
    },
    axes: axesOf(options),
    series: [{}, ...lines.flatMap(seriesOf)],
    hooks: {
      drawClear: [(plot) => drawBands(plot, drawn())],
      draw: [(plot) => drawMarks(plot, drawn())],
      setCursor: [({ cursor: { idx } }) => onMoment(idx ?? undefined)],
      setSelect: [
        (plot) => {
          const { left, width: wide } = plot.select;
          if (wide < 8) return;
          const [from, to] = [left, left + wide].map((x) => plot.posToVal(x, 'x') * 1_000);
          if (from !== undefined && to !== undefined) onBetween(from, to);
        },
      ],
    },
  };
}
