import { Button, SegmentedControl } from '@mantine/core';
import { X } from 'lucide-react';
import { useSearchParams } from 'wouter';
import { RANGES, type Range, type RangeName, rangeOf } from './range-of';
import css from './ui.module.css';

const LABELS: Readonly<Record<RangeName, string>> = {
  ...{ '15m': '15 min', '1h': '1 h', '6h': '6 h' },
  ...{ '24h': '24 h', '7d': '7 d', '30d': '30 d' },
};

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

interface RangePickerProps {
  readonly range: Range;
  /** Those that make sense here. */
  readonly of?: readonly RangeName[];
}

export function RangePicker({ range, of = RANGES }: RangePickerProps) {
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
        data={RANGES.filter((one) => of.includes(one) || one === range.name).map((value) => ({
          value,
          label: LABELS[value],
        }))}
      />
    </div>
  );
}
