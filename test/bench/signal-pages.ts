import type { SignalPage } from '#libs/store';
import { CellSum } from '#libs/telemetry';

/** Pages of one view and service made one. */
export function summedPages(pages: readonly SignalPage[]): SignalPage[] {
  const sums = new Map<string, { readonly callee: string; readonly sum: CellSum }>();
  for (const { view, callee, cells } of pages) {
    const known = sums.get(`${view} ${callee}`) ?? { callee, sum: new CellSum(view) };
    sums.set(`${view} ${callee}`, known);
    known.sum.addPage(cells);
  }
  return [...sums.values()].map(({ callee, sum }) => ({ view: sum.view, callee, cells: sum.toBytes() }));
}
