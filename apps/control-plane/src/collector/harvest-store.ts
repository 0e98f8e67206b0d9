import type { Metrics } from '#libs/kernel';
import type { Store } from '#libs/store';
import type { HarvestStore } from '#libs/telemetry';

/** Makes the place where harvests are left from an open store. */
export type HarvestStoreFactory = (store: Store, metrics: Metrics) => HarvestStore;

/** Where the collector of the product leaves what it has. Nothing keeps it yet: what is collected is counted. */
export const openHarvestStore: HarvestStoreFactory = () => ({ write: async () => {} });
