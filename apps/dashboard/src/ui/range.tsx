import { Button, SegmentedControl } from '@mantine/core';
import { X } from 'lucide-react';
import { useSearchParams } from 'wouter';
import css from './ui.module.css';

const RANGES = ['15m', '1h', '6h', '24h', '7d', '30d'] as const;
type RangeName = (typeof RANGES)[number];

const LABELS: Readonly<Record<RangeName, string>> = {
  ...{ '15m': '15 min', '1h': '1 h', '6h': '6 h' },
  ...{ '24h': '24 h', '7d': '7 d', '30d': '30 d' },
};
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

/** Of the address, so that a link holds it. */
export function useRange(standard?: RangeName): Range {
  const [params] = useSearchParams();
  return rangeOf(params, standard);
}

/** Between two times: what a chart is asked for by drawing over it. */
export function useBetween(): (fromMs: number, toMs: number) => void {
  const [, setParams] = useSearchParams();
  return (fromMs, toMs) =>
    setParams((before) => {
      before.delete('range');
      before.set('from', new Date(fromMs).toISOString());
      before.set('to', new Date(toMs).toISOString());
      return before;
    });
}

const short = (time: string): string =>
  new Date(time).toLocaleString(undefined, { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' });

export function RangePicker({ range }: { readonly range: Range }) {
  const [, setParams] = useSearchParams();
  const take = (name: string): void =>
    setParams((before) => {
      before.delete('from');
      before.delete('to');
      before.set('range', name);
      return before;
    });
  if (range.from !== undefined && range.to !== undefined)
    return (
      <Button
        size="xs"
        variant="default"
        rightSection={<X size={13} aria-hidden />}
        onClick={() => take('1h')}
        aria-label={`${short(range.from)} to ${short(range.to)}: back to the last hour`}
      >
        {short(range.from)} to {short(range.to)}
      </Button>
    );
  return (
    <div className={css.rangePicker}>
      <SegmentedControl
        size="xs"
        aria-label="Range"
        value={range.name ?? ''}
        onChange={take}
        data={RANGES.map((value) => ({ value, label: LABELS[value] }))}
      />
    </div>
  );
}
