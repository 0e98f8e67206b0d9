/** What is kept takes so much memory, more or less and rather more: for bounds that hold. As measured, on 64 bits. */
import type { LogEntry } from '../access-logs/log-entry.js';
import type { FailureRecord, Harvest, LatencySketch } from '../model/index.js';

/** Texts that are written as a sidecar likes have two bytes for each character, the others one. */
const WIDE = 2;
/** Without the letters of its texts, and without its latencies. */
const CELL_BYTES = 280;
const FAILURE_BYTES = 480;
/** With who wrote it. */
const ENTRY_BYTES = 800;
const HARVEST_BYTES = 1_000;

export function bytesOfFailure(failure: FailureRecord): number {
  const { requestId, caller, callerInstance, callee, subset, instance, route, flags, details, path } = failure;
  const ends = caller.length + callerInstance.length + callee.length + subset.length + instance.length;
  const names = requestId.length + ends + route.length + flags.length;
  return FAILURE_BYTES + names + WIDE * (details.length + path.length);
}

/** Of an entry that waits, with all that belongs to it. */
export function bytesOfEntry(entry: LogEntry): number {
  const { requestId, host, path, details, transportFailure, cluster, route, upstream, peer } = entry;
  const names = requestId.length + host.length + cluster.length + route.length + upstream.length + peer.length;
  return ENTRY_BYTES + names + WIDE * (path.length + details.length + transportFailure.length);
}

const bytesOfCell = ({ latencies }: { readonly latencies: LatencySketch }, letters: number): number =>
  CELL_BYTES + latencies.bytes + letters;

export function bytesOfHarvest({ edges, instances, zones, failures }: Harvest): number {
  let bytes = HARVEST_BYTES;
  for (const edge of edges)
    bytes += bytesOfCell(edge, edge.caller.length + edge.callee.length + edge.subset.length + edge.route.length);
  for (const one of instances)
    bytes += bytesOfCell(one, one.callee.length + one.instance.length + one.version.length + one.zone.length);
  for (const pair of zones)
    bytes += bytesOfCell(pair, pair.callee.length + pair.callerZone.length + pair.calleeZone.length);
  for (const failure of failures) bytes += bytesOfFailure(failure);
  return bytes;
}
