import { inflateRawSync } from 'node:zlib';
import type { Metrics } from '#libs/kernel';
import type { SignalRow, SignalView } from '#libs/store';
import { OUTCOMES, type Outcome } from '../model/index.js';
import { type LatencyBins, PARTS } from './latency-bins.js';
import { PageReader } from './page-reader.js';
import { DIMENSIONS } from './views.js';

/** Of a later version nothing is known: whoever reads one does without it. */
export const VERSION = 2;
/** Of builds before: one service, whose name the row has, not compressed. */
const ONE_SERVICE = 1;
/** More than there ever is in a page: what claims to be longer is none. Bytes. */
const LONGEST = 64 * 1024 * 1024;

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

/** Texts of the pages of one shelf, which are the same in most buckets: then they are made once. */
export class PageTexts {
  #bytes: Buffer = Buffer.alloc(0);
  #texts: readonly string[] = [];

  /** @param bytes of the texts, each with its length */
  of(bytes: Buffer): readonly string[] {
    if (bytes.equals(this.#bytes)) return this.#texts;
    const reader = new PageReader(bytes);
    const texts: string[] = [];
    for (let at = 0; at < bytes.length; at = reader.at) texts.push(reader.text());
    // A copy: it outlives the page.
    this.#bytes = Buffer.from(bytes);
    this.#texts = texts;
    return texts;
  }
}

/** Is handed the same dimensions again and again; what it returns takes the latencies, nothing = nobody wants them. */
export type CellVisit = (cell: PageCell) => LatencyBins | undefined;

/** Who reads a page. */
export interface PageVisit {
  readonly view: SignalView;
  /** @returns who takes the cells of a service; undefined = nobody: they are passed over */
  readonly service: (callee: string) => CellVisit | undefined;
  /** Of other pages of the shelf. */
  readonly texts?: PageTexts;
}

/** A page as it is read, unpacked. */
export interface OpenPage {
  readonly shelf: string;
  readonly version: number;
  readonly body: Buffer;
}

/** @throws RangeError of bytes that are no page */
export function openPage({ shelf, cells }: Pick<SignalRow, 'shelf' | 'cells'>): OpenPage {
  const version = cells[0] ?? 0;
  if (version === ONE_SERVICE) return { shelf, version, body: Buffer.from(cells.subarray(1)) };
  if (version !== VERSION) throw new RangeError('a page of another version');
  const reader = new PageReader(cells.subarray(1));
  const length = reader.number();
  return { shelf, version, body: inflated(cells.subarray(1 + reader.at), length) };
}

/** Goes through the cells of a page. @throws RangeError of bytes that are no page */
export function readPage(
  { shelf, version, body }: OpenPage,
  { view, service, texts: known = new PageTexts() }: PageVisit,
): void {
  const reader = new PageReader(body);
  const texts = known.of(reader.piece());
  if (version === ONE_SERVICE) {
    const visit = service(shelf);
    if (visit) readCells(reader, { version, view, texts, visit });
    return;
  }
  for (let left = reader.count(); left > 0; left -= 1) {
    const visit = service(texts[reader.number()] ?? '');
    if (visit) readCells(new PageReader(reader.piece()), { version, view, texts, visit });
    else reader.skip();
  }
}

/** @param length what it unpacks to: then it is written in one go, and nothing is copied */
function inflated(bytes: Uint8Array, length: number): Buffer {
  if (length > LONGEST) throw new RangeError('a page that is too long');
  try {
    // A chunk that is filled to its last byte makes zlib begin another.
    const body = inflateRawSync(bytes, { maxOutputLength: length + 1, chunkSize: Math.max(64, length + 1) });
    if (body.length === length) return body;
  } catch (cause) {
    throw new RangeError('a page that cannot be unpacked', { cause });
  }
  throw new RangeError('a page of another length than it says');
}

interface Cells {
  readonly version: number;
  readonly view: SignalView;
  readonly texts: readonly string[];
  readonly visit: CellVisit;
}

function readCells(reader: PageReader, { version, view, texts, visit }: Cells): void {
  const dimensions: string[] = DIMENSIONS[view].map(() => '');
  for (let left = reader.count(); left > 0; left -= 1) {
    for (let d = 0; d < dimensions.length; d += 1) dimensions[d] = texts[reader.number()] ?? '';
    const outcome = OUTCOMES[reader.number()] ?? 'other';
    const status = reader.number();
    const requests = reader.number() / PARTS;
    const attempts = reader.number() / PARTS;
    const bins = visit({ dimensions, outcome, status, requests, attempts });
    if (bins) reader.latencies(bins, version === VERSION);
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
