/** Which time an address is about. */
export const RANGES = ['15m', '1h', '6h', '24h', '7d', '30d'] as const;
export type RangeName = (typeof RANGES)[number];

const HOUR_MS = 3_600_000;
const LENGTHS: Readonly<Record<RangeName, number>> = {
  ...{ '15m': HOUR_MS / 4, '1h': HOUR_MS, '6h': 6 * HOUR_MS },
  ...{ '24h': 24 * HOUR_MS, '7d': 168 * HOUR_MS, '30d': 720 * HOUR_MS },
};

/** Which time a page is about: so long up to now, or between two times. */
export interface Range {
  /** As the API takes it: `since=1h`, `from=...&to=...`. */
  readonly query: string;
  /** As an address of a page of ours has it. */
  readonly search: string;
  readonly lengthMs: number;
  /** It ends now: what comes is shown as it comes. */
  readonly isLive: boolean;
  readonly name: RangeName | undefined;
  /** RFC 3339, of a time that does not end now. */
  readonly from?: string;
  readonly to?: string;
}

const isRange = (text: string | null): text is RangeName => RANGES.some((one) => one === text);
const isTime = (text: string | null): text is string => text !== null && !Number.isNaN(Date.parse(text));

/** @param params of the address. What makes no sense there is as if it were not there */
export function rangeOf(params: URLSearchParams, standard: RangeName = '1h'): Range {
  const [from, to, asked] = [params.get('from'), params.get('to'), params.get('range')];
  if (isTime(from) && isTime(to) && Date.parse(from) < Date.parse(to)) {
    const query = new URLSearchParams({ from: isoOf(from), to: isoOf(to) }).toString();
    const lengthMs = Date.parse(to) - Date.parse(from);
    return { query, search: query, lengthMs, isLive: false, name: undefined, from, to };
  }
  const name = isRange(asked) ? asked : standard;
  return { query: `since=${name}`, search: `range=${name}`, lengthMs: LENGTHS[name], isLive: true, name };
}

const isoOf = (time: string): string => new Date(time).toISOString();
