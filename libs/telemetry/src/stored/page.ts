import type { Metrics } from '#libs/kernel';
import type { SignalView } from '#libs/store';
import { OUTCOMES, type Outcome } from '../model/index.js';
import { LatencyBins, PARTS } from './latency-bins.js';
import { PageReader } from './page-reader.js';
import { PageWriter } from './page-writer.js';
import { DIMENSIONS, WIDTHS } from './views.js';

/** Of a later version nothing is known: whoever reads one does without it. */
const VERSION = 1;

/** What of one service had the same dimensions, outcome and status. */
export interface PageCell {
  /** Values of the view's dimensions. */
  readonly dimensions: readonly string[];
  readonly outcome: Outcome;
  /** 0 where the view does not tell. */
  readonly status: number;
  /** 0 where the view counts attempts. */
  readonly requests: number;
  readonly attempts: number;
}

/** A cell that grows. */
interface OpenCell extends PageCell {
  requests: number;
  attempts: number;
  readonly latencies: LatencyBins;
}

/** Cells of one service in one view, as they are added up: in any order, in any pieces, it comes to the same bytes. */
export class CellSum {
  readonly #cells = new Map<string, OpenCell>();

  constructor(readonly view: SignalView) {}

  /** @returns where its latencies go */
  add({ dimensions, outcome, status, ...counts }: PageCell): LatencyBins {
    const key = JSON.stringify([dimensions, outcome, status]);
    const known = this.#cells.get(key);
    const requests = whole(counts.requests);
    const attempts = whole(counts.attempts);
    if (known) {
      known.requests += requests;
      known.attempts += attempts;
      return known.latencies;
    }
    const latencies = new LatencyBins(WIDTHS[this.view]);
    const cell = { dimensions: [...dimensions], outcome, status, requests, attempts };
    this.#cells.set(key, { ...cell, latencies });
    return latencies;
  }

  /** @throws RangeError of bytes that are no page */
  addPage(bytes: Uint8Array): void {
    readPage(bytes, { view: this.view, visit: (cell) => this.add(cell) });
  }

  /**
   * Version; length of the texts in bytes; texts, each with its length; then the cells: for each dimension the number of its text, outcome, status,
   * requests and attempts in sixteenths, length of the rest in bytes, zeros, and each bin's distance from the one before
   * with its count in sixteenths.
   */
  toBytes(): Buffer {
    const writer = new PageWriter();
    const texts = new Map<string, number>();
    const cells = [...this.#cells].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, cell]) => cell);
    for (const { dimensions } of cells)
      for (const text of dimensions) if (!texts.has(text)) texts.set(text, texts.size);
    writer.number(VERSION);
    writer.piece((table) => {
      for (const text of texts.keys()) table.text(text);
    });
    writer.number(cells.length);
    for (const { dimensions, outcome, status, requests, attempts, latencies } of cells) {
      for (const text of dimensions) writer.number(texts.get(text) ?? 0);
      for (const count of [OUTCOMES.indexOf(outcome), status, sixteenths(requests), sixteenths(attempts)])
        writer.number(count);
      writer.piece((rest) => {
        rest.number(latencies.zeros);
        let before = 0;
        latencies.each((bin, count) => {
          rest.number(bin - before);
          rest.number(count);
          before = bin;
        });
      });
    }
    return writer.finish();
  }
}

const sixteenths = (count: number): number => Math.round(count * PARTS);
/** In whole sixteenths: their sum is the same in any order. */
const whole = (count: number): number => sixteenths(count) / PARTS;

/** Texts of the pages of one service, which are the same in most buckets: then they are made once. */
export class PageTexts {
  #bytes: Buffer = Buffer.alloc(0);
  #texts: readonly string[] = [];

  /** @param bytes of the texts, each with its length */
  of(bytes: Buffer): readonly string[] {
    if (bytes.equals(this.#bytes)) return this.#texts;
    const reader = new PageReader(bytes);
    const texts: string[] = [];
    for (let at = 0; at < bytes.length; at = reader.at) texts.push(reader.text());
    this.#bytes = bytes;
    this.#texts = texts;
    return texts;
  }
}

/** What a page is, and who reads it. */
export interface PageVisit {
  readonly view: SignalView;
  /** Is handed the same dimensions again and again; what it returns takes the latencies, nothing = nobody wants them. */
  readonly visit: (cell: PageCell) => LatencyBins | undefined;
  /** Of other pages of the service. */
  readonly texts?: PageTexts;
}

/** Goes through the cells of a page. @throws RangeError of bytes that are no page */
export function readPage(bytes: Uint8Array, { view, visit, texts: known = new PageTexts() }: PageVisit): void {
  const reader = new PageReader(bytes);
  if (reader.number() !== VERSION) throw new RangeError('a page of another version');
  const texts = known.of(reader.piece());
  const count = reader.count();
  const dimensions: string[] = DIMENSIONS[view].map(() => '');
  for (let i = 0; i < count; i += 1) {
    for (let d = 0; d < dimensions.length; d += 1) dimensions[d] = texts[reader.number()] ?? '';
    const outcome = OUTCOMES[reader.number()] ?? 'other';
    const status = reader.number();
    const requests = reader.number() / PARTS;
    const attempts = reader.number() / PARTS;
    const bins = visit({ dimensions, outcome, status, requests, attempts });
    if (bins) reader.latencies(bins);
    else reader.skip();
  }
}

/** Passes over, and counts, a page of which another build alone knows what it says. @returns false for such a page */
export function isReadable(metrics: Pick<Metrics, 'count'>, read: () => void): boolean {
  try {
    read();
    return true;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    metrics.count('heddle_telemetry_unreadable_total');
    return false;
  }
}
