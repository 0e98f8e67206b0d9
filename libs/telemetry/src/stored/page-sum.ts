import { deflateRawSync } from 'node:zlib';
import type { SignalRow, SignalView } from '#libs/store';
import { OUTCOMES } from '../model/index.js';
import { LatencyBins, PARTS } from './latency-bins.js';
import { openPage, type PageCell, readPage, VERSION } from './page.js';
import { PageWriter } from './page-writer.js';
import { WIDTHS } from './views.js';

/** Of a sketch that has more, unless it has less than that in sixteenths of a request. */
const LEAST_UNITS = 256;

/** A cell that grows. */
interface OpenCell extends PageCell {
  requests: number;
  attempts: number;
  readonly latencies: LatencyBins;
}

/** Cells of the services of one shelf in one view, as they are added up: in any order it comes to the same bytes. */
export class PageSum {
  readonly #services = new Map<string, Map<string, OpenCell>>();

  constructor(readonly view: SignalView) {}

  /** @returns where its latencies go */
  add(callee: string, { dimensions, outcome, status, ...counts }: PageCell): LatencyBins {
    const cells = this.#services.get(callee) ?? new Map<string, OpenCell>();
    this.#services.set(callee, cells);
    const key = JSON.stringify([dimensions, outcome, status]);
    const known = cells.get(key);
    const requests = whole(counts.requests);
    const attempts = whole(counts.attempts);
    if (known) {
      known.requests += requests;
      known.attempts += attempts;
      return known.latencies;
    }
    const latencies = new LatencyBins(WIDTHS[this.view]);
    cells.set(key, { ...{ dimensions: [...dimensions], outcome, status, requests, attempts }, latencies });
    return latencies;
  }

  /** @throws RangeError of bytes that are no page */
  addPage(row: Pick<SignalRow, 'shelf' | 'cells'>): void {
    readPage(openPage(row), { view: this.view, service: (callee) => (cell) => this.add(callee, cell) });
  }

  /**
   * Version; length of what comes; this, deflated (RFC 1951): length of the texts in bytes; texts, each with its length; how many services; of each
   * the number of the text that is its name, length of its cells in bytes, how many cells. Of a cell: for each dimension the
   * number of its text, outcome, status, requests and attempts in sixteenths, length of the rest in bytes, the unit of its
   * latencies in sixteenths, zeros, and each bin's distance from the one before with its count, in units.
   */
  toBytes(): Buffer {
    const services = [...this.#services]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([callee, cells]) => ({
        callee,
        cells: [...cells].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, cell]) => cell),
      }));
    const texts = new Map<string, number>();
    for (const { callee, cells } of services)
      for (const text of [callee, ...cells.flatMap(({ dimensions }) => dimensions)])
        if (!texts.has(text)) texts.set(text, texts.size);
    const writer = new PageWriter();
    writer.piece((table) => {
      for (const text of texts.keys()) table.text(text);
    });
    writer.number(services.length);
    for (const { callee, cells } of services) {
      writer.number(texts.get(callee) ?? 0);
      writer.piece((rest) => {
        rest.number(cells.length);
        for (const cell of cells) writeCell(rest, cell, texts);
      });
    }
    const body = writer.finish();
    const head = new PageWriter();
    head.number(VERSION);
    head.number(body.length);
    return Buffer.concat([head.finish(), deflateRawSync(body)]);
  }
}

function writeCell(writer: PageWriter, cell: OpenCell, texts: ReadonlyMap<string, number>): void {
  const { dimensions, outcome, status, requests, attempts, latencies } = cell;
  for (const text of dimensions) writer.number(texts.get(text) ?? 0);
  for (const count of [OUTCOMES.indexOf(outcome), status, sixteenths(requests), sixteenths(attempts)])
    writer.number(count);
  writer.piece((rest) => writeLatencies(rest, latencies));
}

/**
 * Some hundred units of a sketch say as much as thousands: the unit grows with what is counted, a power of two of
 * sixteenths. What is rounded away of one bin goes to the next, so that no rank is off by more than half a unit.
 */
function writeLatencies(writer: PageWriter, latencies: LatencyBins): void {
  const unit = 2 ** Math.max(0, Math.floor(Math.log2(latencies.total / LEAST_UNITS)));
  let [sum, written] = [0, 0];
  const unitsOf = (count: number): number => {
    sum += count;
    const units = Math.round(sum / unit) - written;
    written += units;
    return units;
  };
  writer.number(unit);
  writer.number(unitsOf(latencies.zeros));
  let before = 0;
  latencies.each((bin, count) => {
    const units = unitsOf(count);
    if (units === 0) return;
    writer.number(bin - before);
    writer.number(units);
    before = bin;
  });
}

const sixteenths = (count: number): number => Math.round(count * PARTS);
/** In whole sixteenths: their sum is the same in any order. */
const whole = (count: number): number => sixteenths(count) / PARTS;
