/** The collector's process with a store that appends what it is given to a file, for tests that look at it. */
import { appendFileSync } from 'node:fs';
import type { Harvest, LatencySketch } from '#libs/telemetry';
import { runWorker } from '../../apps/control-plane/src/collector/run-worker.js';

const file = process.env['HEDDLE_TEST_HARVESTS'] ?? '';

const summary = (sketch: LatencySketch): object => ({ count: sketch.count, p50: sketch.quantile(0.5) });

function line(harvest: Harvest): string {
  const cells = { edges: harvest.edges, instances: harvest.instances, zones: harvest.zones };
  const parts = Object.entries(cells).map(([name, rows]) => [
    name,
    rows.map((row) => ({ ...row, latencies: summary(row.latencies) })),
  ]);
  return JSON.stringify({ ...harvest, ...Object.fromEntries(parts) });
}

runWorker(() => ({ write: async (harvest) => appendFileSync(file, `${line(harvest)}\n`) }));
