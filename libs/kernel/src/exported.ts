/** Numbers and records as they leave for other engines, whatever those are. Plain values: who makes them needs no exporter. */

export type ExportedValues = Readonly<Record<string, string | number | boolean>>;

/** How often something was how large. */
export interface ExportedHistogram {
  /** Inclusive upper bounds, ascending. */
  readonly bounds: readonly number[];
  /** One more than there are bounds. Whole numbers that never fall. */
  readonly counts: readonly number[];
  readonly sum: number;
}

export interface ExportedPoint<T> {
  readonly values: ExportedValues;
  /** Since when it has been summed up. Milliseconds since the epoch. */
  readonly since: number;
  readonly value: T;
}

/** Sums and histograms are since their `since`, never since the last export: one that is lost loses no count. */
export type ExportedMetric = { readonly name: string; readonly description: string; readonly unit: string } & (
  | { readonly kind: 'sum' | 'gauge'; readonly points: readonly ExportedPoint<number>[] }
  | { readonly kind: 'histogram'; readonly points: readonly ExportedPoint<ExportedHistogram>[] }
);

/** Something that happened, and is worth a look. */
export interface ExportedRecord {
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly body: string;
  readonly values: ExportedValues;
}
