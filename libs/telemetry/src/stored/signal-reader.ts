import type { Metrics } from '#libs/kernel';
import type { SignalSpan, Signals, SignalView } from '#libs/store';
import type { LatencyBins } from './latency-bins.js';
import { isReadable, type PageCell, PageTexts, readPage } from './page.js';
import { type GoldenSignals, Tally } from './tally.js';
import { WIDTHS } from './views.js';
import type { Window } from './window.js';

export interface ViewRequest {
  readonly mesh: string;
  readonly view: SignalView;
  readonly window: Window;
  /** Only of services whose name begins so. */
  readonly prefix?: string | undefined;
}

/** One step of a chart. Steps of which nothing is kept are left out. */
export interface ChartPoint extends GoldenSignals {
  /** Its begin, RFC 3339. */
  readonly at: string;
  /** Something is missing: of what was dropped, or of a step that has not ended. Counts are lower bounds. */
  readonly incomplete?: true;
}

const countsOf = (view: SignalView): 'requests' | 'attempts' =>
  view === 'instance' || view === 'zone' ? 'attempts' : 'requests';

/** Reads pages and adds up their cells. */
export class SignalReader {
  constructor(
    private readonly signals: Pick<Signals, 'read' | 'incomplete'>,
    private readonly metrics: Metrics,
  ) {}

  /** Totals by a key. @param keyOf undefined = not counted */
  async totals(
    request: ViewRequest,
    keyOf: (callee: string, cell: PageCell) => string | undefined,
  ): Promise<ReadonlyMap<string, Tally>> {
    const tallies = new Map<string, Tally>();
    const find = (callee: string, cell: PageCell): Tally | undefined => {
      const key = keyOf(callee, cell);
      const known = key === undefined ? undefined : (tallies.get(key) ?? this.#tally(request.view));
      if (key !== undefined && known) tallies.set(key, known);
      return known;
    };
    // The same cells come in every bucket, by the hundred thousand: each is judged once.
    const judged = new Map<string, { readonly texts: PageTexts; readonly own: Map<string, Tally | undefined> }>();
    await this.#pages(request, (_, callee, cells) => {
      const of = judged.get(callee) ?? { texts: new PageTexts(), own: new Map<string, Tally | undefined>() };
      judged.set(callee, of);
      const { own, texts } = of;
      const visit = (cell: PageCell): LatencyBins | undefined => {
        const { dimensions } = cell;
        const place = dimensions.length === 1 ? (dimensions[0] ?? '') : dimensions.join('\n');
        const known = own.get(place);
        if (known) return known.add(cell);
        if (own.has(place)) return undefined;
        const found = find(callee, cell);
        own.set(place, found);
        return found?.add(cell);
      };
      readPage(cells, { view: request.view, visit, texts });
    });
    return tallies;
  }

  /** @param isMeant which cells count */
  async chart(
    request: ViewRequest,
    isMeant: (callee: string, cell: PageCell) => boolean = () => true,
  ): Promise<readonly ChartPoint[]> {
    const { mesh, view, window } = request;
    const steps = new Map<number, Tally>();
    const stepOf = (at: number): number => Math.floor(at / window.stepMs) * window.stepMs;
    const [incomplete] = await Promise.all([
      this.signals.incomplete(mesh, window.spans),
      this.#pages(request, (at, callee, cells) => {
        const step = stepOf(at);
        const known = steps.get(step) ?? this.#tally(view);
        steps.set(step, known);
        const visit = (cell: PageCell): LatencyBins | undefined =>
          isMeant(callee, cell) ? known.add(cell) : undefined;
        readPage(cells, { view, visit });
      }),
    ]);
    const dropped = new Set(incomplete.map(stepOf));
    return [...coveredBy(window)].map(([at, ms]): ChartPoint => {
      const signals = (steps.get(at) ?? this.#tally(view)).signals(ms / 1000);
      const isWhole = ms === window.stepMs && !dropped.has(at);
      return { at: new Date(at).toISOString(), ...signals, ...(isWhole ? {} : { incomplete: true }) };
    });
  }

  /** True when something of the time was dropped, or is not kept any more. */
  async isIncomplete(mesh: string, { from, to, spans }: Window): Promise<boolean> {
    const known = spans.reduce((sum, span) => sum + (span.to - span.from), 0);
    return known < to - from || (await this.signals.incomplete(mesh, spans)).length > 0;
  }

  #tally(view: SignalView): Tally {
    return new Tally(countsOf(view), WIDTHS[view]);
  }

  /** A page that cannot be read is passed over, and counted. */
  async #pages(
    { mesh, view, window, prefix }: ViewRequest,
    read: (at: number, callee: string, cells: Uint8Array) => void,
  ): Promise<void> {
    for (const { at, callee, cells } of await this.signals.read({ mesh, view, spans: window.spans, prefix })) {
      isReadable(this.metrics, () => read(at, callee, cells));
    }
  }
}

/** Each step of a chart, with the milliseconds of it of which something is kept. */
function coveredBy({ spans, stepMs }: Window): ReadonlyMap<number, number> {
  const covered = new Map<number, number>();
  const add = ({ lengthMs, from, to }: SignalSpan): void => {
    for (let at = from; at < to; at += lengthMs) {
      const step = Math.floor(at / stepMs) * stepMs;
      covered.set(step, (covered.get(step) ?? 0) + lengthMs);
    }
  };
  for (const span of spans) add(span);
  return covered;
}
