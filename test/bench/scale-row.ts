/** A row of the table; `must` is the budget, an upper bound. */
export interface ScaleRow {
  readonly what: string;
  readonly p50: number;
  readonly p99: number;
  readonly unit: string;
  readonly must?: number;
}

export const printed = (rows: readonly ScaleRow[]): string =>
  [
    `${''.padEnd(60)}${'p50'.padStart(10)}${'p99'.padStart(10)}`,
    ...rows.map(
      ({ what, p50, p99, unit, must }) =>
        `${what.padEnd(60)}${p50.toFixed(1).padStart(10)}${p99.toFixed(1).padStart(10)} ${unit.padEnd(3)}${must === undefined ? '' : `   must ${must}`}`,
    ),
  ].join('\n');
