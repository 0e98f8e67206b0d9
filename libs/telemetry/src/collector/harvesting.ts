import {
  type Bucket,
  type EdgeCell,
  type Harvest,
  type InstanceCell,
  LatencySketch,
  OTHER,
  type ZoneCell,
} from '../model/index.js';
import { BoundedRows, ROWS, type Rollup } from './budget.js';
import { type ClosedEdge, closeFailures, closeSuccesses } from './edge-close.js';
import type { Edge, EdgeMemory, RouteRow, WayRow } from './edge-tally.js';
import type { MeshBucket } from './mesh-bucket.js';

type Sums<Cell> = { -readonly [Key in keyof Cell]: Cell[Key] };

/** The rollups of one bucket of one mesh. */
export class Harvesting {
  readonly #edges = new BoundedRows<Sums<EdgeCell>>(ROWS.edges);
  readonly #instances = new BoundedRows<Sums<InstanceCell>>(ROWS.instances);
  readonly #zones = new BoundedRows<Sums<ZoneCell>>(ROWS.zones);
  /** What was added to a row named `other`, by rollup. */
  readonly beyond: Record<Rollup, number> = { edges: 0, instances: 0, zones: 0 };

  constructor(
    private readonly bucket: Bucket,
    private readonly memoryOf: (edge: Edge) => EdgeMemory,
  ) {}

  /**
   * Takes the edges out of the bucket one by one, so that what is made of one is gone before the next.
   * @returns undefined when there is nothing to tell
   */
  harvest(mesh: string, source: string, { tallies, failures }: MeshBucket): Harvest | undefined {
    // Failures first: if rows run out, they are what somebody looks for.
    for (const tally of tallies.values()) this.#addEdge(tally.edge, closeFailures(tally, this.memoryOf(tally.edge)));
    for (const [key, tally] of tallies) {
      this.#addEdge(tally.edge, closeSuccesses(tally, this.memoryOf(tally.edge)));
      tallies.delete(key);
    }
    const parts = { edges: this.#edges.values, instances: this.#instances.values, zones: this.#zones.values };
    if (parts.edges.length + parts.instances.length === 0) return undefined;
    return { mesh, source, ...parts, failures: failures.kept };
  }

  #addEdge(edge: Edge, { rows, ways }: ClosedEdge): void {
    for (const row of rows) this.#addRow(edge, row);
    for (const way of ways) {
      this.#addInstance(edge, way);
      this.#addZone(edge, way);
    }
  }

  #addRow({ caller, callee, subset }: Edge, { route, outcome, status, ...sums }: RouteRow): void {
    const make = (of: Pick<EdgeCell, 'caller' | 'callee' | 'subset' | 'route' | 'status'>) => (): Sums<EdgeCell> => ({
      ...{ ...this.bucket, ...of, outcome, requests: 0, attempts: 0, latencies: new LatencySketch() },
    });
    const other = { caller: OTHER, callee: OTHER, subset: '', route: OTHER, status: 0 };
    const { row, isOther } = this.#edges.get(
      [caller, callee, subset, route, outcome, status].join('\n'),
      make({ caller, callee, subset, route, status }),
      { key: `${OTHER}\n${outcome}`, make: make(other) },
    );
    if (isOther) this.beyond.edges++;
    row.requests += sums.requests;
    row.attempts += sums.attempts;
    row.latencies.merge(sums.latencies);
  }

  #addInstance({ callee }: Edge, { way: { instance, version, zone }, outcome, attempts, latencies }: WayRow): void {
    const make = (of: Pick<InstanceCell, 'callee' | 'instance' | 'version' | 'zone'>) => (): Sums<InstanceCell> => ({
      ...{ ...this.bucket, ...of, outcome, attempts: 0, latencies: new LatencySketch() },
    });
    const other = { callee: OTHER, instance: OTHER, version: '', zone: '' };
    const { row, isOther } = this.#instances.get(
      [callee, instance, version, zone, outcome].join('\n'),
      make({ callee, instance, version, zone }),
      { key: `${OTHER}\n${outcome}`, make: make(other) },
    );
    if (isOther) this.beyond.instances++;
    row.attempts += attempts;
    row.latencies.merge(latencies);
  }

  #addZone({ callee }: Edge, { way: { callerZone, zone: calleeZone }, outcome, attempts, latencies }: WayRow): void {
    const make = (of: Pick<ZoneCell, 'callerZone' | 'calleeZone' | 'callee'>) => (): Sums<ZoneCell> => ({
      ...{ ...this.bucket, ...of, outcome, attempts: 0, latencies: new LatencySketch() },
    });
    const other = { callerZone: OTHER, calleeZone: OTHER, callee: OTHER };
    const { row, isOther } = this.#zones.get(
      [callerZone, calleeZone, callee, outcome].join('\n'),
      make({ callerZone, calleeZone, callee }),
      { key: `${OTHER}\n${outcome}`, make: make(other) },
    );
    if (isOther) this.beyond.zones++;
    row.attempts += attempts;
    row.latencies.merge(latencies);
  }
}
