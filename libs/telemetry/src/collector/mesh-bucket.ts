import type { LogEntry } from '../access-logs/log-entry.js';
import { isSampled, outcomeOf } from '../access-logs/outcome-of.js';
import { isFailure, OTHER, type Outcome } from '../model/index.js';
import { bytesOfEntry } from './bytes.js';
import { type Callee, calleeOf, calleeOfCluster, calleeServed } from './callee.js';
import type { EdgeCounts } from './edge-report.js';
import { type Charged, type Edge, EdgeTally, edgeKey, type Way } from './edge-tally.js';
import { Failures } from './failures.js';
import type { Joins } from './joins.js';
import type { RoomPart } from './live-room.js';
import type { MeshNames } from './mesh-names.js';
import type { Sidecar } from './sidecar.js';

/** An entry that a caller's sidecar wrote. */
interface Told {
  readonly entry: LogEntry;
  readonly of: 'request' | 'attempt';
  readonly from: Sidecar;
  /** When it ended, in the control plane's clock. */
  readonly endedAt: number;
}

/** An entry that a callee's sidecar wrote. */
type Served = Omit<Told, 'of'>;

/** Entries that wait until the bucket is closed for what the other end says; the others are taken as they are. */
const MOST_HELD = 20_000;
/** Edges of one mesh, and of them, those that one sidecar may bring. */
const MOST_EDGES = 4_000;
const MOST_EDGES_OF_ONE = 400;
/** With nothing in it, without its names. */
const TALLY_BYTES = 1_200;
const SETTLED_AT_ONCE = 500;
/** Answers that a sidecar makes before the router, whose counters do not have them. */
const BEFORE_ROUTER: ReadonlySet<Outcome> = new Set(['no_route', 'injected', 'rate_limited', 'denied', 'overloaded']);

/** What came of one mesh in one bucket, while it is open. */
export class MeshBucket {
  readonly tallies = new Map<string, EdgeTally>();
  readonly failures: Failures;
  readonly #held: Told[] = [];
  readonly #denied: Served[] = [];
  readonly #broughtBy = new Map<string, number>();
  /** Parts that found no room, by what they are. */
  readonly dropped = { edges: 0, failures: 0 };

  constructor(
    private readonly names: MeshNames,
    private readonly joins: Joins,
    private readonly room: RoomPart,
  ) {
    this.failures = new Failures(room);
  }

  addRequest(told: Told, oneOf: number): void {
    const { entry } = told;
    this.joins.noteRequest(entry);
    if (!isSampled(entry)) {
      this.#hold(told);
      return;
    }
    this.#tallyOf(told).addSample({
      ...{ route: entry.route, status: entry.status },
      ...{ ms: entry.durationMs, weight: oneOf },
    });
  }

  addAttempt(told: Told, oneOf: number): void {
    const { entry } = told;
    this.joins.noteAttempt(entry);
    if (entry.attempt > 1) this.#tallyOf(told).retriesTold++;
    // Repeated attempts are all told of, so that each stands for itself.
    if (!isSampled(entry) || entry.attempt > 1) {
      this.#hold(told);
      return;
    }
    this.#tallyOf(told).addSampledWay(this.#wayOf(told), { ms: entry.durationMs, weight: oneOf });
  }

  /** Only what no caller of the mesh tells: who called without an identity, and who was denied. */
  addServed(served: Served, oneOf: number): void {
    const { entry } = served;
    this.joins.noteServed(entry);
    const outcome = outcomeOf(entry);
    if (entry.peer !== '' && outcome === 'denied') {
      if (this.#denied.length < MOST_HELD && this.room.take(bytesOfEntry(entry))) this.#denied.push(served);
      return;
    }
    if (entry.peer !== '') return;
    if (!isSampled(entry)) {
      this.#settleServed(served, outcome);
      return;
    }
    const tally = this.#tally(this.#edgeServed(served), served.from);
    const timed = { ms: entry.durationMs, weight: oneOf };
    tally.addSample({ route: '', status: entry.status, ...timed });
    tally.addSampledWay(this.#ownWay(served.from, ''), timed);
  }

  addCounts(from: Sidecar, cluster: string, counts: EdgeCounts): void {
    const callee = calleeOfCluster(cluster, from.mesh, this.names);
    // What was made up is counted nowhere: it has no entries either that could be stretched.
    if (callee && callee.callee !== OTHER)
      this.#tally({ caller: from.workload, ...edgeOf(callee) }, from).addCounts(counts);
  }

  /** A callee's sidecar has refused somebody for his certificate. */
  addRefusedCallers(at: Sidecar): void {
    this.joins.noteRefusing(at.instance);
  }

  /** Takes what has waited, now that both ends have told. */
  settle(): void {
    this.#letGo(this.#held, (told) => this.#settle(told));
    this.#letGo(this.#denied, (served) => {
      if (!this.joins.wasTold(served.entry)) this.#settleServed(served, 'denied');
    });
  }

  /** A few at once, so that they are gone before what is made of all of them is there. */
  #letGo<T extends Served>(waiting: T[], settle: (one: T) => void): void {
    while (waiting.length > 0) {
      for (const one of waiting.splice(0, SETTLED_AT_ONCE)) {
        this.room.give(bytesOfEntry(one.entry));
        settle(one);
      }
    }
  }

  /** It is closed, and what it had in memory is not. @returns how often there was no room for more */
  leave(): number {
    this.room.giveAll();
    return this.room.refused;
  }

  #hold(told: Told): void {
    if (this.#held.length < MOST_HELD && this.room.take(bytesOfEntry(told.entry))) this.#held.push(told);
    else this.#settle(told);
  }

  #settle(told: Told): void {
    const { entry, of, from } = told;
    const callee = calleeOf(entry, from, this.names);
    const tally = this.#tally({ caller: from.workload, ...edgeOf(callee) }, from);
    const way = this.#wayOf(told);
    const known = this.joins.outcomeOf(entry, of, way.instance);
    const outcome = known === 'no_instance' && callee.service?.resolves ? 'dns' : known;
    const row = { route: entry.route, outcome, status: entry.status };
    if (of === 'request') tally.addRequest(row, entry.durationMs, chargedOf(entry));
    else tally.addAttempt(row, entry.durationMs, way);
    if (isFailure(outcome))
      this.#keepFailure(told, outcome, { caller: from.workload, ...edgeOf(callee) }, way.instance);
  }

  /** One that no caller tells of: it is a request and its only attempt. */
  #settleServed(served: Served, outcome: Outcome): void {
    const { entry, from } = served;
    const edge = this.#edgeServed(served);
    const tally = this.#tally(edge, from);
    const row = { route: '', outcome, status: entry.status };
    const way = this.#ownWay(from, '');
    tally.addRequest(row, entry.durationMs, 'nowhere');
    tally.addAttempt(row, entry.durationMs, way);
    if (isFailure(outcome)) this.#keepFailure({ ...served, of: 'request' }, outcome, edge, way.instance);
  }

  #keepFailure({ entry, of, from, endedAt }: Told, outcome: Outcome, edge: Edge, instance: string): void {
    const { requestId, route, status, flags, details, transportFailure, method, path, durationMs, attempt } = entry;
    const kept = this.failures.add({
      ...{ at: Math.round(endedAt - durationMs), what: of, requestId, ...edge },
      callerInstance: edge.caller === from.workload ? from.instance : '',
      ...{
        instance,
        route,
        outcome,
        status,
        flags: flags.join(','),
        method,
        path,
        durationMs,
        attempt: Math.max(1, attempt),
      },
      details: [details, transportFailure].filter((text) => text !== '').join('; '),
    });
    if (!kept) this.dropped.failures++;
  }

  #edgeServed({ entry, from }: Served): Edge {
    const [, , , namespace, workload] = entry.peer.split('/');
    const caller = namespace === undefined || workload === undefined ? '' : `${namespace}/${workload}`;
    return { caller, ...edgeOf(calleeServed(entry, from, this.names)) };
  }

  #tallyOf({ entry, from }: Told): EdgeTally {
    return this.#tally({ caller: from.workload, ...edgeOf(calleeOf(entry, from, this.names)) }, from);
  }

  #tally(edge: Edge, by: Sidecar): EdgeTally {
    const key = edgeKey(edge);
    const known = this.tallies.get(key);
    if (known) return known;
    const brought = this.#broughtBy.get(by.instance) ?? 0;
    const mayBeMore = this.tallies.size < MOST_EDGES && brought < MOST_EDGES_OF_ONE;
    if (edge.callee !== OTHER && !(mayBeMore && this.room.take(TALLY_BYTES + 2 * key.length))) {
      this.dropped.edges++;
      return this.#tally({ caller: OTHER, callee: OTHER, subset: '' }, by);
    }
    this.#broughtBy.set(by.instance, brought + 1);
    const tally = new EdgeTally(edge, this.room);
    this.tallies.set(key, tally);
    return tally;
  }

  #wayOf({ entry, from }: Told): Way {
    const instance = entry.upstream === '' ? undefined : this.names.instanceAt(from.mesh, entry.upstream);
    const { id = entry.upstream, version = '', zone = '' } = instance ?? {};
    return { callerZone: from.zone, instance: id, version, zone };
  }

  #ownWay(at: Sidecar, callerZone: string): Way {
    const version = this.names.instance(at.mesh, at.key)?.version ?? '';
    return { callerZone, instance: at.instance, version, zone: at.zone };
  }
}

const edgeOf = ({ callee, subset }: Callee): Omit<Edge, 'caller'> => ({ callee, subset });

function chargedOf(entry: LogEntry): Charged {
  if (entry.status === 0 || BEFORE_ROUTER.has(outcomeOf(entry))) return 'nowhere';
  return entry.details === 'via_upstream' ? 'with its time' : 'as an answer';
}
