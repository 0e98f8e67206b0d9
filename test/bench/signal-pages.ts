import type { SignalPage } from '#libs/store';
import { PageSum } from '#libs/telemetry';

/** Pages of one view and shelf made one. */
export function summedPages(pages: readonly SignalPage[]): SignalPage[] {
  const sums = new Map<string, { readonly shelf: string; readonly sum: PageSum }>();
  for (const page of pages) {
    const { view, shelf } = page;
    const known = sums.get(`${view} ${shelf}`) ?? { shelf, sum: new PageSum(view) };
    sums.set(`${view} ${shelf}`, known);
    known.sum.addPage(page);
  }
  return [...sums.values()].map(({ shelf, sum }) => ({ view: sum.view, shelf, cells: sum.toBytes() }));
}
