export type * from './answers.js';
export { edgeCells, instanceCells, type StoredBuckets, serviceCells, zoneCells } from './cells.js';
export type { ChartRequest, Selection } from './chart.js';
export { type HarvestStoreOptions, harvestStore, partsOf } from './harvest-store.js';
export type { PageCell } from './page.js';
export { PageSum } from './page-sum.js';
export { SignalRollUp, type SignalRollUpOptions } from './roll-up.js';
export { EVERYTHING, OTHERS, type Sight } from './sight.js';
export {
  type ListRequest,
  SignalQueries,
  type SignalQueriesOptions,
  type TimeRequest,
} from './signal-queries.js';
export type { ChartPoint } from './signal-reader.js';
export { type SignalSort, SORTS } from './sorts.js';
export type { GoldenSignals } from './tally.js';
export { totalWindow, type Window } from './window.js';
