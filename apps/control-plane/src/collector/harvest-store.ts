import type { Metrics } from '#libs/kernel';
import type { Store } from '#libs/store';
import { type HarvestStore, harvestStore } from '#libs/telemetry';

/** Makes the place where harvests are left from an open store. */
export type HarvestStoreFactory = (store: Store, metrics: Metrics) => HarvestStore;

/** Where the collector of the product leaves what it has. */
export const openHarvestStore: HarvestStoreFactory = ({ signals }, metrics) => harvestStore({ signals, metrics });
