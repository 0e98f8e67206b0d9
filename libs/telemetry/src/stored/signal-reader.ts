import type { Metrics } from '#libs/kernel';
import type { SignalSpan, Signals, SignalView } from '#libs/store';
import { Breath } from './breath.js';
import { KeptPages } from './kept-pages.js';
import { type CellVisit, isReadable, type PageCell, PageTexts, type PageVisit, readPage } from './page.js';
import { shelfOf } from './shelves.js';
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
  readonly #kept: KeptPages;

  constructor(
    private readonly signals: Pick<Signals, 'buckets' | 'read' | 'incomplete'>,
    private readonly metrics: Metrics,
  ) {
    this.#kept = new KeptPages(signals, metrics);
  }

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
    const visits = new Map<string, CellVisit>();
    const visitOf = (callee: string): CellVisit => {
      const own = new Map<string, Tally | undefined>();
      return (cell) => {
        const { dimensions } = cell;
        const place = dimensions.length === 1 ? (dimensions[0] ?? '') : dimensions.join('\n');
        const known = own.get(place);
        if (known) return known.add(cell);
        if (own.has(place)) return undefined;
        const found = find(callee, cell);
        own.set(place, found);
        return found?.add(cell);
      };
    };
    await this.#pages(request, () => (callee) => {
      const visit = visits.get(callee) ?? visitOf(callee);
      visits.set(callee, visit);
      return visit;
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
      this.#pages(request, (at) => {
        const step = stepOf(at);
        const known = steps.get(step) ?? this.#tally(view);
        steps.set(step, known);
        return (callee) => (cell) => (isMeant(callee, cell) ? known.add(cell) : undefined);
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

  /** A page that cannot be read is passed over, and counted. @param servicesAt who takes the cells of a service in a bucket */
  async #pages(
    { mesh, view, window, prefix = '' }: ViewRequest,
    servicesAt: (at: number) => PageVisit['service'],
  ): Promise<void> {
    const isOfService = prefix.split('/').length > 2;
    const service = isOfService ? { shelf: shelfOf(prefix), prefix } : undefined;
    const texts = new Map<string, PageTexts>();
    const breath = new Breath();
    for (const { at, pages } of await this.#kept.read({ mesh, view, spans: window.spans, service })) {
      const take = servicesAt(at);
      const meant: PageVisit['service'] = (callee) => (callee.startsWith(prefix) ? take(callee) : undefined);
      for (const page of pages) {
        const own = texts.get(page.shelf) ?? new PageTexts();
        texts.set(page.shelf, own);
        isReadable(this.metrics, () => readPage(page, { view, service: meant, texts: own }));
      }
      await breath.taken();
    }
  }

  #tally(view: SignalView): Tally {
    return new Tally(countsOf(view), WIDTHS[view]);
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
