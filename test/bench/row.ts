/** One line of the table. */
export interface Row {
  readonly what: string;
  readonly p50: number;
  readonly p99: number;
  readonly unit: string;
  /** The budget, for p50. */
  readonly must?: number;
}

export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0;
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

export function table(rows: readonly Row[]): string {
  const lines = rows.map(
    ({ what, p50, p99, unit, must }) =>
      `${what.padEnd(40)}${p50.toFixed(1).padStart(10)}${p99.toFixed(1).padStart(10)} ${unit.padEnd(3)}${must === undefined ? '' : `   must ${must.toFixed(must < 10 ? 1 : 0)}${p50 > must ? '  MISSED' : ''}`}`,
  );
  return `${''.padEnd(40)}${'p50'.padStart(10)}${'p99'.padStart(10)}\n${lines.join('\n')}\n`;
}
