/** What this replica sees of staged changes at the proxies that it serves. */
import type { Evidence, HostEvidence, Traffic } from '#libs/changes';
import { type Clock, isStagedOpen, parseNodeId, type RequestCounts } from '#libs/kernel';
import type { StagedChange } from '#libs/store';
import type { NackInfo, StreamInfo } from '#libs/xds';
import type { MeshHost } from '../mesh-host.js';
import type { PublishedChange } from '../published.js';
import { among, type IsAmong } from '../refusals.js';
import { DeliveryWatch } from './delivery-watch.js';
import { TrafficWatch } from './traffic-watch.js';

export interface StagedWatchOptions {
  readonly hostOf: (mesh: string) => MeshHost | undefined;
  /** Live streams. */
  readonly streams: () => readonly StreamInfo[];
  readonly counts: RequestCounts;
  readonly clock: Clock;
}

/** Publications that are watched for each mesh: a change that everybody has may be asked about a little later. */
const KEPT = 50;

/** Of these the newest keep what sidecars had counted then, which is much: a staged change that they are of is asked about at once. */
const NEWEST = 3;
/** Those that somebody asks about keep it, and for so long after. Milliseconds. */
const ASKED_MS = 600_000;

interface Watched {
  /** Of a lane: id of its change. */
  readonly lane: string | undefined;
  /** Config revision of the publication, or of the lane's step. */
  readonly revision: number;
  readonly delivery: DeliveryWatch;
  /** Undefined once nobody asked for it any more. */
  traffic: TrafficWatch | undefined;
  /** By the monotonic clock. */
  askedAt: number;
}

/** Keeps what has become of the newest publications of configuration, and of every step of a lane. */
export class StagedWatch {
  readonly #watched = new Map<string, Watched[]>();

  constructor(private readonly options: StagedWatchOptions) {}

  /** @param given streams that are behind right after the publication */
  published(change: PublishedChange, given: ReadonlyMap<number, string>): void {
    const { mesh, lane } = change;
    const list = this.#watched.get(mesh) ?? [];
    const revision = lane?.revision ?? change.configRevision;
    // Runtime changes come in between; those of a lane are about the step that is watched already.
    if (list.some((one) => one.lane === lane?.id && one.revision >= revision)) return;
    const { clock, counts } = this.options;
    const isOurs = lane ? this.#isInLane(mesh) : among(change.resources);
    const delivery = new DeliveryWatch(change.change, clock.monotonic(), given, isOurs);
    const before = lane && list.find((one) => one.lane === lane.id);
    // Who is in a lane from an earlier wave on is compared with what it was before the lane.
    const traffic = new TrafficWatch(counts.of(mesh), before?.traffic);
    list.unshift({ lane: lane?.id, revision, delivery, traffic, askedAt: Number.NEGATIVE_INFINITY });
    const kept = list.slice(0, KEPT);
    this.#watched.set(mesh, kept);
    this.#forgetTraffic(mesh, kept);
  }

  #forgetTraffic(mesh: string, list: readonly Watched[]): void {
    const asked = this.options.clock.monotonic() - ASKED_MS;
    const open = this.options.hostOf(mesh)?.lanes.open?.id;
    const ofEverybody = list.filter(({ lane }) => lane === undefined).slice(0, NEWEST);
    const ofLane = list.filter(({ lane }) => lane !== undefined && lane === open).slice(0, NEWEST);
    for (const one of list)
      if (one.askedAt < asked && !ofEverybody.includes(one) && !ofLane.includes(one)) one.traffic = undefined;
  }

  #isInLane(mesh: string): IsAmong {
    return (type, name) => this.options.hostOf(mesh)?.lanes.differsIn(type, name) ?? false;
  }

  caughtUp({ id, node }: StreamInfo, change: number): void {
    const now = this.options.clock.monotonic();
    for (const { delivery } of this.#of(node.id)) delivery.caughtUp(id, change, now);
  }

  nacked(stream: StreamInfo, nack: NackInfo): void {
    const watched = this.#of(stream.node.id);
    // Of those that have set it the newest is the cause; who is in a lane may have it from there or from everybody's.
    for (const isLane of [true, false])
      watched.find(({ lane, delivery }) => (lane !== undefined) === isLane && delivery.nacked(stream, nack));
  }

  /** @param resumed the proxy names what it holds */
  began(stream: StreamInfo, resumed: boolean): void {
    for (const { delivery } of this.#of(stream.node.id)) delivery.began(stream, resumed);
  }

  /** @param isOurDoing this replica ended it: that says nothing of the configuration */
  closed(stream: StreamInfo, isOurDoing: boolean): void {
    const now = this.options.clock.monotonic();
    for (const { delivery } of this.#of(stream.node.id)) delivery.closed(stream, now, isOurDoing);
  }

  #of(node: string): readonly Watched[] {
    return this.#watched.get(parseNodeId(node)?.mesh ?? '') ?? [];
  }

  /** What there is to be said of a change that is open, or that everybody has. */
  evidence(change: StagedChange): Evidence {
    const { mesh, id, state, revision, appliedRevision, members } = change;
    const isOpen = isStagedOpen(change);
    const list = this.#watched.get(mesh) ?? [];
    // A step that gives nobody more, such as being held, is served as soon as it is known.
    const laneOf = (one: Watched): boolean => one.lane === id && one.revision <= revision;
    const sinceThen = list.filter((one) => one.lane === undefined && one.revision >= (appliedRevision ?? revision));
    const watched = isOpen ? list.find(laneOf) : sinceThen.at(-1);
    if (!watched || (isOpen && watched.revision < revision && state === 'canary')) return NOTHING_YET;
    // Should more have been published before anybody asked, it is counted from the first of these on.
    const counted = watched.traffic ? watched : sinceThen.findLast(({ traffic }) => traffic !== undefined);
    for (const one of [watched, counted]) if (one) one.askedAt = this.options.clock.monotonic();
    const seen = { delivery: watched.delivery, traffic: counted?.traffic };
    return this.#evidenceOf(mesh, seen, isOpen ? new Set(members) : undefined);
  }

  /** @param members `<namespace>/<instance>`; undefined = everybody */
  #evidenceOf(
    mesh: string,
    { delivery, traffic }: Pick<Watched, 'delivery' | 'traffic'>,
    members: ReadonlySet<string> | undefined,
  ): Evidence {
    const { clock, counts, hostOf, streams } = this.options;
    const isMember = (node: string): boolean => members?.has(proxyOf(node)) ?? true;
    const hosts = new Map<string, Building>();
    const at = (node: string): Building => {
      const name = hostName(hostOf(mesh), node);
      const known = hosts.get(name) ?? { given: new Set(), behind: [], refused: [], disconnected: [], traffic: {} };
      hosts.set(name, known);
      return known;
    };
    const concerned = (node: string): boolean => parseNodeId(node)?.mesh === mesh && isMember(node);
    for (const { node } of streams()) if (concerned(node.id)) at(node.id).given.add(node.id);
    for (const node of delivery.behind) if (concerned(node)) at(node).behind.push(node);
    for (const one of delivery.refused) if (concerned(one.proxy)) at(one.proxy).refused.push(one);
    for (const node of delivery.disconnected) if (concerned(node)) at(node).disconnected.push(node);
    const groupOf = (node: string) => (concerned(node) ? hostName(hostOf(mesh), node) : undefined);
    const sums = (traffic ?? NO_TRAFFIC).since(counts.of(mesh), groupOf);
    for (const [name, scopes] of sums.groups) {
      const known = hosts.get(name);
      if (known) known.traffic = scopes;
    }
    return {
      published: true,
      settledMs: Math.round(clock.monotonic() - (delivery.settledAt(concerned) ?? clock.monotonic())),
      hosts: Object.fromEntries([...hosts].map(([name, { given, ...host }]) => [name, { ...host, given: given.size }])),
      others: sums.others,
    };
  }
}

type Building = { -readonly [K in Exclude<keyof HostEvidence, 'given' | 'traffic'>]: [...HostEvidence[K]] } & {
  readonly given: Set<string>;
  traffic: Readonly<Record<string, Traffic>>;
};

/** Nothing is said of requests when it is not known what was counted before. */
const NO_TRAFFIC: Pick<TrafficWatch, 'since'> = { since: () => ({ groups: new Map(), others: {} }) };

const NOTHING_YET: Evidence = { published: false, settledMs: 0, hosts: {}, others: {} };

function proxyOf(node: string): string {
  const identity = parseNodeId(node);
  return identity ? `${identity.namespace}/${identity.instance}` : '';
}

function hostName(host: MeshHost | undefined, node: string): string {
  const identity = parseNodeId(node);
  return (identity && host?.instance(identity.namespace, identity.instance)?.host) ?? '';
}
