import type { TimelineEvent } from '#libs/telemetry';
import { at } from '../facts/baseline.js';
import type { Facts } from '../facts/facts.js';
import type { Suspect } from '../types.js';
import { instanceName, listed } from '../words.js';

/** Something on the timeline, or several events that are one thing. */
export interface Happening extends Pick<Suspect, 'kind' | 'id' | 'title' | 'at' | 'reversible' | 'events'> {
  readonly touches: readonly string[];
}

const KINDS: Readonly<Record<TimelineEvent['kind'], Suspect['kind']>> = {
  change: 'change',
  refusal: 'refusal',
  rotation: 'rotation',
  instance_joined: 'churn',
  instance_left: 'churn',
  instance_unready: 'churn',
};

/** Events as suspects; instances of a version that is new to their workload, which joined one after another, are one release. */
export function happenings(facts: Facts): Happening[] {
  const versions = new Map<string, string>();
  for (const service of facts.services.values()) {
    for (const { instance, version } of service.known?.instances ?? []) versions.set(instance, version);
    for (const { instance, version } of service.instances) versions.set(instance, version);
  }
  const fresh = freshVersions(facts, versions);
  const releases = new Map<string, TimelineEvent[]>();
  const churn = new Map<string, TimelineEvent[]>();
  const others: Happening[] = [];
  for (const event of facts.events) {
    const [instance = ''] = instancesOf(event);
    const version = versions.get(instance);
    const key = `${workloadOf(instance)} ${version}`;
    if (event.kind === 'instance_joined' && version !== undefined && fresh.has(key))
      at(releases, key, () => []).push(event);
    else if (KINDS[event.kind] === 'churn') at(churn, churnKey(churn, event), () => []).push(event);
    else others.push({ ...event, kind: KINDS[event.kind], events: [event.id] });
  }
  return [
    ...others,
    ...[...releases].flatMap(([key, events]) => release(key, events)),
    ...[...churn.values()].flatMap((events) => comings(events)),
  ];
}

/** Of an event of instances, those, without the workload that it touches too; that of an instance without a workload is its name. */
function instancesOf({ touches }: TimelineEvent): readonly string[] {
  const instances = touches.filter((name) => name.split('/').length > 2);
  return instances.length > 0 ? instances : touches.slice(0, 1);
}

/** Instances of one workload that come or go one soon after another are one thing. Milliseconds. */
const SOON_MS = 60_000;

/** Of the run of events that this one continues, or begins. */
function churnKey(churn: ReadonlyMap<string, readonly TimelineEvent[]>, event: TimelineEvent): string {
  const key = `${event.kind} ${workloadOf(instancesOf(event)[0] ?? '')}`;
  for (let n = 0; ; n += 1) {
    const last = churn.get(`${key} ${n}`)?.at(-1);
    if (last === undefined || event.at - last.at <= SOON_MS) return `${key} ${n}`;
  }
}

const DID = { instance_joined: 'joined', instance_left: 'left', instance_unready: 'are not ready' };

function comings(events: readonly TimelineEvent[]): Happening[] {
  const [first] = events;
  if (first === undefined) return [];
  const instances = [...new Set(events.flatMap(instancesOf))];
  const ids = events.map(({ id }) => id);
  // One that comes and goes again and again is one instance.
  if (instances.length <= 1) return [{ ...first, kind: 'churn', events: ids, touches: instances }];
  const workload = workloadOf(instances[0] ?? '');
  const did =
    first.kind === 'instance_left' || first.kind === 'instance_unready' ? DID[first.kind] : DID.instance_joined;
  return [
    {
      kind: 'churn',
      id: first.id,
      title: `${instances.length} instances of ${workload} ${did}: ${listed(instances.map(instanceName))}`,
      at: first.at,
      reversible: false,
      events: ids,
      touches: [workload, ...instances],
    },
  ];
}

export const workloadOf = (instance: string): string => instance.split('/').slice(0, 2).join('/');

/** `<workload> <version>` of versions whose every instance joined on the timeline, beside instances of other versions that did not. */
function freshVersions(facts: Facts, versions: ReadonlyMap<string, string>): Set<string> {
  const joined = new Set(facts.events.filter(({ kind }) => kind === 'instance_joined').flatMap(instancesOf));
  const fresh = new Set<string>();
  const settled = new Map<string, Set<string>>();
  for (const [instance, version] of versions) {
    const workload = workloadOf(instance);
    if (joined.has(instance)) fresh.add(`${workload} ${version}`);
    else at(settled, workload, () => new Set()).add(version);
  }
  for (const [workload, there] of settled) for (const version of there) fresh.delete(`${workload} ${version}`);
  return new Set([...fresh].filter((key) => settled.has(key.split(' ')[0] ?? '')));
}

function release(key: string, events: readonly TimelineEvent[]): Happening[] {
  const [first] = events;
  const [workload = '', version = ''] = key.split(' ');
  if (first === undefined) return [];
  const touches = [workload, ...new Set(events.flatMap(instancesOf))];
  return [
    {
      kind: 'release',
      id: first.id,
      title: `Version ${version} of ${workload} joined: ${listed(touches.slice(1).map(instanceName))}`,
      at: first.at,
      reversible: events.some((event) => event.reversible),
      events: events.map(({ id }) => id),
      touches,
    },
  ];
}
