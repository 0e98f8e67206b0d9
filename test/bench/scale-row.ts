/** A row of the table; `must` is the budget, an upper bound. */
export interface ScaleRow {
  readonly what: string;
  readonly p50: number;
  readonly p99: number;
  readonly unit: string;
  readonly must?: number;
}

export const HEADER = `${''.padEnd(64)}${'p50'.padStart(10)}${'p99'.padStart(10)}`;

export const printed = (rows: readonly ScaleRow[]): string =>
  rows
    .map(({ what, p50, p99, unit, must }) => {
      const budget = must === undefined ? '' : `   must ${must}`;
      return `${what.padEnd(64)}${p50.toFixed(1).padStart(10)}${p99.toFixed(1).padStart(10)} ${unit.padEnd(3)}${budget}`;
    })
    .join('\n');
