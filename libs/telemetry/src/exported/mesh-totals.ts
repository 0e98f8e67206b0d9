import type { ExportedMetric, ExportedPoint, ExportedValues } from '#libs/kernel';
import { type EdgeCell, type Harvest, isFailure, OTHER } from '../model/index.js';
import { DurationHistogram } from './duration-histogram.js';
import { type EdgeTags, edgeTags } from './edge-tags.js';

/** Of what there may be so many sums; an edge has one for each ending. What comes beyond is `other`. */
const MOST_SERIES = 5_000;
/** Who has not been heard of for so long makes room, and begins at none when he is back. Milliseconds. */
const IDLE_MS = 3_600_000;

interface Series<T> {
  readonly values: ExportedValues;
  readonly since: number;
  at: number;
  readonly value: T;
}

/** Sums of one kind, by what they are of. */
class Table<T> {
  readonly #series = new Map<string, Series<T>>();

  constructor(private readonly make: () => T) {}

  /** @returns the sum of these, else of `other`, of which there are few, when there is no room for it */
  of(values: ExportedValues, other: ExportedValues, at: number): T {
    return this.#find(values, at) ?? (this.#hasRoom(at) ? this.#add(values, at) : this.#of(other, at));
  }

  #of(values: ExportedValues, at: number): T {
    return this.#find(values, at) ?? this.#add(values, at);
  }

  #find(values: ExportedValues, at: number): T | undefined {
    const known = this.#series.get(JSON.stringify(values));
    if (known) known.at = Math.max(known.at, at);
    return known?.value;
  }

  #add(values: ExportedValues, at: number): T {
    const made = { values, since: at, at, value: this.make() };
    this.#series.set(JSON.stringify(values), made);
    return made.value;
  }

  #hasRoom(now: number): boolean {
    if (this.#series.size < MOST_SERIES) return true;
    for (const [key, { at }] of this.#series) if (at < now - IDLE_MS) this.#series.delete(key);
    return this.#series.size < MOST_SERIES;
  }

  points<P>(read: (value: T) => P): ExportedPoint<P>[] {
    return [...this.#series.values()].map(({ values, since, value }) => ({ values, since, value: read(value) }));
  }
}

interface Counts {
  requests: number;
  attempts: number;
}

/**
 * How requests fare between workloads and services, summed up since this process began, as metrics for other engines. An export that is
 * lost loses no count. Names come from credentials and from the mesh's own resources; those beyond the limit are `other`.
 */
export class MeshTotals {
  readonly #counts = new Table<Counts>(() => ({ requests: 0, attempts: 0 }));
  readonly #durations = new Table(() => new DurationHistogram());
  readonly #incomplete = new Table<{ buckets: number }>(() => ({ buckets: 0 }));

  /** @param tags of the mesh as they are now: another value begins another sum */
  add({ mesh, edges }: Harvest, tags?: EdgeTags): void {
    for (const cell of edges) {
      const edge = { ...edgeOf(mesh, cell), ...edgeTags(tags, cell) };
      this.#count(mesh, edge, cell);
      this.#time(mesh, edge, cell);
    }
    const holes = edges.filter(({ complete }) => !complete).map(({ at }) => at);
    for (const at of new Set(holes)) {
      const ofMesh = { 'heddle.mesh': mesh };
      this.#incomplete.of(ofMesh, ofMesh, at).buckets += 1;
    }
  }

  #count(mesh: string, edge: ExportedValues, cell: EdgeCell): void {
    const { at, outcome, status, requests, attempts } = cell;
    const ending = { 'heddle.outcome': outcome, 'http.response.status_code': status };
    const counts = this.#counts.of({ ...edge, ...ending }, { ...otherOf(mesh), ...ending }, at);
    counts.requests += requests;
    counts.attempts += attempts;
  }

  #time(mesh: string, edge: ExportedValues, cell: EdgeCell): void {
    if (cell.latencies.count === 0) return;
    const failed = { 'heddle.failed': isFailure(cell.outcome) };
    this.#durations.of({ ...edge, ...failed }, { ...otherOf(mesh), ...failed }, cell.at).add(cell.latencies);
  }

  points(): ExportedMetric[] {
    return [
      {
        ...{ kind: 'sum', name: 'heddle.mesh.requests', unit: '{request}' },
        description: 'Requests, as their callers were answered.',
        points: this.#counts.points(({ requests }) => requests),
      },
      {
        ...{ kind: 'sum', name: 'heddle.mesh.attempts', unit: '{attempt}' },
        description: 'Attempts that requests took.',
        points: this.#counts.points(({ attempts }) => attempts),
      },
      {
        ...{ kind: 'sum', name: 'heddle.mesh.incomplete_buckets', unit: '{bucket}' },
        description: 'Stretches of ten seconds of which something was lost: counts are lower bounds.',
        points: this.#incomplete.points(({ buckets }) => buckets),
      },
      {
        ...{ kind: 'histogram', name: 'heddle.mesh.request.duration', unit: 's' },
        description: 'How long requests took, attempts and waits included.',
        points: this.#durations.points((histogram) => histogram.value()),
      },
    ];
  }
}

const edgeOf = (mesh: string, { caller, callee }: EdgeCell): ExportedValues => ({
  ...{ 'heddle.mesh': mesh, 'heddle.caller': caller, 'heddle.callee': callee },
});

/** Those beyond the limit, which this one may exceed: there are few. */
const otherOf = (mesh: string): ExportedValues => ({
  ...{ 'heddle.mesh': mesh, 'heddle.caller': OTHER, 'heddle.callee': OTHER },
});
