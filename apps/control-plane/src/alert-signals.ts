import type { SignalGroup, SignalQuestion, SignalReading, Signals } from '#libs/alerts';
import type { Metrics } from '#libs/kernel';
import type { TrafficSelector } from '#libs/model';
import type { SignalTimes, SignalView, Signals as StoredSignals } from '#libs/store';
import {
  edgeCells,
  instanceCells,
  LatencySketch,
  type Outcome,
  type StoredBuckets,
  serviceCells,
  totalWindow,
  type Window,
} from '#libs/telemetry';

/** What cells of all views have in common, for whoever sums them up. */
interface Cell {
  readonly callee: string;
  readonly caller: string;
  readonly route: string;
  readonly instance: string;
  readonly outcome: Outcome;
  readonly count: number;
  readonly attempts: number;
  readonly latencies: LatencySketch;
}

type AskedView = Extract<SignalView, 'service' | 'edge' | 'instance'>;

interface Stretch {
  readonly window: Window;
  readonly incompleteMs: number;
  /** By `<namespace>/<service>`: most questions are about one. */
  readonly cells: ReadonlyMap<string, readonly Cell[]>;
}

const MOST_GROUPS = 1_000;
/** Collectors may be so late with the newest bucket: what is not there yet is not missing. Milliseconds. */
const LATE_MS = 60_000;

/** Rows, of an eighth of the services each, and questions, after which others have a turn of the event loop: sidecars are served by the same. */
const ROWS_A_TURN = 2;
const QUESTIONS_A_TURN = 8;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** The traffic as alerts ask for it, of what is stored: what several questions of an evaluation need is read once. */
export class AlertSignals implements Signals {
  constructor(
    private readonly signals: Pick<StoredSignals, 'times' | 'read' | 'incomplete'>,
    private readonly metrics: Metrics,
  ) {}

  async read(questions: readonly SignalQuestion[]): Promise<readonly SignalReading[]> {
    const times = new Map<string, SignalTimes>();
    const stretches = new Map<string, Stretch>();
    const readings: SignalReading[] = [];
    for (const question of questions) {
      const { mesh, from, to } = question;
      const known = times.get(mesh) ?? (await this.signals.times(mesh));
      times.set(mesh, known);
      const window = totalWindow(known, { from, to });
      const view = viewOf(question);
      const key = `${mesh} ${view} ${window.from} ${window.to}`;
      const stretch = stretches.get(key) ?? (await this.#stretch(mesh, view, window));
      stretches.set(key, stretch);
      readings.push({ missingMs: missingMs(question, stretch), groups: groupsOf(question, stretch) });
      if (readings.length % QUESTIONS_A_TURN === 0) await turn();
    }
    return readings;
  }

  async #stretch(mesh: string, view: AskedView, window: Window): Promise<Stretch> {
    const { spans } = window;
    const rows = await this.signals.read({ mesh, view, spans });
    const incomplete = new Set(await this.signals.incomplete(mesh, spans));
    const cells = new Map<string, Cell[]>();
    for (let at = 0; at < rows.length; at += ROWS_A_TURN) {
      const some = rows.slice(at, at + ROWS_A_TURN);
      // Of none of these the length of its bucket matters: they are summed up.
      for (const cell of READ[view]({ lengthMs: 0, rows: some, incomplete, metrics: this.metrics })) {
        const key = serviceOf(cell);
        const known = cells.get(key);
        if (known) known.push(cell);
        else cells.set(key, [cell]);
      }
      await turn();
    }
    const lengthAt = (at: number): number => spans.find(({ from, to }) => at >= from && at < to)?.lengthMs ?? 0;
    const incompleteMs = [...incomplete].reduce((sum, at) => sum + lengthAt(at), 0);
    return { window, incompleteMs, cells };
  }
}

const READ: Readonly<Record<AskedView, (buckets: StoredBuckets) => readonly Cell[]>> = {
  service: (buckets) => serviceCells(buckets).map((cell) => ({ ...cell, instance: '', count: cell.requests })),
  edge: (buckets) => edgeCells(buckets).map((cell) => ({ ...cell, instance: '', count: cell.requests })),
  instance: (buckets) =>
    instanceCells(buckets).map((cell) => ({ ...cell, caller: '', route: '', count: cell.attempts })),
};

/** The coarsest that tells apart what is asked for. */
function viewOf({ what, by, traffic: { route, caller } }: SignalQuestion): AskedView {
  if (what === 'attempts') return 'instance';
  return by === 'Route' || by === 'Edge' || route !== undefined || caller !== undefined ? 'edge' : 'service';
}

/** What lies before all that is kept, or in buckets of which something was dropped. */
function missingMs({ from, to }: SignalQuestion, { window, incompleteMs }: Stretch): number {
  const covered = window.spans.reduce((sum, span) => sum + (span.to - span.from), 0);
  const hole = Math.max(0, window.to - window.from - covered);
  const before = Math.max(0, window.from - from);
  const after = Math.max(0, to - window.to);
  return hole + before + (after > LATE_MS ? after : 0) + incompleteMs;
}

function isMeant({ namespace, service, port, route, caller, instance }: TrafficSelector, cell: Cell): boolean {
  const [ofNamespace, ofService, ofPort] = cell.callee.split('/');
  return (
    (namespace === undefined || namespace === ofNamespace) &&
    (service === undefined || service === ofService) &&
    (port === undefined || String(port) === ofPort) &&
    (caller === undefined || caller === cell.caller) &&
    (instance === undefined || instance === cell.instance || cell.instance.endsWith(`/${instance}`)) &&
    (route === undefined || isOfRoute(route, cell.route))
  );
}

function isOfRoute({ kind, namespace, name, rule }: NonNullable<TrafficSelector['route']>, route: string): boolean {
  const whole = `${kind}/${namespace}/${name}/`;
  return rule === '' ? route.startsWith(whole) : route === `${whole}${rule}`;
}

function keyOf(by: SignalQuestion['by'], { callee, route, caller, instance }: Cell): SignalGroup['key'] {
  const none = { callee: '', route: '', caller: '', instance: '' };
  switch (by) {
    case 'None':
      return none;
    case 'Service':
      return { ...none, callee };
    case 'Route':
      return { ...none, callee, route };
    case 'Edge':
      return { ...none, callee, caller };
    case 'Instance':
      return { ...none, callee, instance };
  }
}

interface OpenGroup extends SignalGroup {
  readonly outcomes: Map<Outcome, number>;
  attempts: number;
  count: number;
}

const serviceOf = ({ callee }: Pick<Cell, 'callee'>): string => callee.slice(0, callee.lastIndexOf('/'));

function* candidates({ namespace, service }: TrafficSelector, { cells }: Stretch): Generator<Cell> {
  if (namespace !== undefined && service !== undefined) yield* cells.get(`${namespace}/${service}`) ?? [];
  else for (const some of cells.values()) yield* some;
}

function groupsOf({ traffic, by, latencies }: SignalQuestion, stretch: Stretch): readonly SignalGroup[] {
  const groups = new Map<string, OpenGroup>();
  for (const cell of candidates(traffic, stretch)) {
    if (!isMeant(traffic, cell)) continue;
    const key = keyOf(by, cell);
    const name = Object.values(key).join('\n');
    const group = groups.get(name) ?? {
      ...{ key, outcomes: new Map<Outcome, number>(), attempts: 0, count: 0, latencies: new LatencySketch() },
    };
    groups.set(name, group);
    group.outcomes.set(cell.outcome, (group.outcomes.get(cell.outcome) ?? 0) + cell.count);
    group.attempts += cell.attempts;
    group.count += cell.count;
    if (latencies && cell.outcome === 'ok') group.latencies.merge(cell.latencies);
  }
  const all = [...groups.values()].filter(({ count, attempts }) => count > 0 || attempts > 0);
  return all.toSorted((a, b) => b.count - a.count).slice(0, MOST_GROUPS);
}
