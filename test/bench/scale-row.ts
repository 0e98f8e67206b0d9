import { quantile, type Row } from './row.js';

/** A row of the table; `must` is the budget, an upper bound. */
export type ScaleRow = Row;

export const one = (what: string, value: number, unit: string, must?: number): ScaleRow => ({
  ...{ what, p50: value, p99: value, unit },
  ...(must === undefined ? {} : { must }),
});

export const quantiles = (what: string, values: readonly number[], unit: string, must?: number): ScaleRow => ({
  ...one(what, quantile(values, 0.5), unit, must),
  p99: quantile(values, 0.99),
});

export const HEADER = `${''.padEnd(64)}${'p50'.padStart(10)}${'p99'.padStart(10)}`;

export const printed = (rows: readonly ScaleRow[]): string =>
  rows
    .map(({ what, p50, p99, unit, must }) => {
      const budget = must === undefined ? '' : `   must ${must}`;
      return `${what.padEnd(64)}${p50.toFixed(1).padStart(10)}${p99.toFixed(1).padStart(10)} ${unit.padEnd(3)}${budget}`;
    })
    .join('\n');
