/** The collector's own process: started by the control plane, with a pipe. */
import { openHarvestStore } from './harvest-store.js';
import { runWorker } from './run-worker.js';

runWorker(openHarvestStore);
