import { changeId, sortedBy } from '#libs/kernel';
import type { Manifest } from '#libs/model';
import type { History, HistoryEntry } from '../audit/history.port.js';
import type { Database } from '../database.js';
import type { Happening, HappeningKind, Timeline } from './timeline.port.js';
import { touchedBy } from './touched-by.js';

const NEWEST = 500;
/** Resources of a change that its title names. */
const NAMED = 3;

const TIME = `at >= to_timestamp($2 / 1000.0) AND at < to_timestamp($3 / 1000.0)`;
const MS = '(extract(epoch FROM at) * 1000)::bigint AS at';

// An instance that is gone has no workload any more: its last event does not say which it had.
const INSTANCES = `
SELECT (extract(epoch FROM e.at) * 1000)::bigint AS at, e.namespace, e.name, e.op, e.detail,
  coalesce(i.workload, '') AS workload, coalesce(i.spec -> 'labels' ->> 'version', '') AS version
FROM instance_event e LEFT JOIN instance i ON i.mesh = e.mesh AND i.namespace = e.namespace AND i.name = e.name
WHERE e.mesh = $1 AND e.${TIME} AND e.op IN ('register', 'routable', 'leave', 'remove')
ORDER BY e.runtime_revision DESC, e.position DESC LIMIT ${NEWEST}`;

const ROTATIONS = `
SELECT id, (extract(epoch FROM created_at) * 1000)::bigint AS at, purpose FROM authority
WHERE mesh = $1 AND created_at >= to_timestamp($2 / 1000.0) AND created_at < to_timestamp($3 / 1000.0)
ORDER BY created_at DESC LIMIT ${NEWEST}`;

const REFUSALS = `
SELECT change, ${MS}, refused FROM delivery_progress
WHERE mesh = $1 AND ${TIME} AND json_array_length(refused) > 0 ORDER BY at DESC LIMIT ${NEWEST}`;

interface InstanceRow {
  readonly at: number;
  readonly namespace: string;
  readonly name: string;
  readonly op: string;
  readonly detail: string;
  readonly workload: string;
  readonly version: string;
}

interface RefusalRow {
  readonly change: number;
  readonly at: number;
  readonly refused: readonly { readonly proxy: string; readonly name?: string; readonly message: string }[];
}

/** Gathers from the history, the instances' log, the authorities and what proxies answered. */
export class TimelineRepository implements Timeline {
  constructor(
    private readonly database: Database,
    private readonly history: Pick<History, 'list'>,
  ) {}

  async between(mesh: string, from: number, to: number): Promise<readonly Happening[]> {
    const when = [mesh, from, to];
    const [since, until] = [new Date(from).toISOString(), new Date(to).toISOString()];
    const changes = await this.history.list({ mesh, since, until, limit: NEWEST });
    const instances = await this.database.query<InstanceRow>(INSTANCES, when);
    const rotations = await this.database.query<{ id: string; at: number; purpose: string }>(ROTATIONS, when);
    const refusals = await this.database.query<RefusalRow>(REFUSALS, when);
    const all = [
      ...changes.map(ofChange),
      ...instances.flatMap(ofInstance),
      ...rotations.map(ofRotation),
      ...refusals.map(ofRefusal),
    ];
    return sortedBy(all, ({ at, id }) => `${String(at).padStart(16, '0')} ${id}`);
  }
}

function ofChange({ change, at, actor, message, items }: HistoryEntry): Happening {
  const touched = items.map(({ before, after }) => touchedBy((after ?? before) as Manifest));
  const isWhole = touched.some((names) => names === undefined);
  return {
    ...{ at: Date.parse(at), kind: 'change', id: change, reversible: items.length > 0 },
    title: `${message === '' ? summaryOf(items) : message} (${actor})`,
    touches: isWhole ? [] : [...new Set(touched.flatMap((names) => names ?? []))],
  };
}

function summaryOf(items: HistoryEntry['items']): string {
  const named = items
    .slice(0, NAMED)
    .map(({ op, kind, namespace, name }) => `${op} ${kind} ${namespace === '' ? '' : `${namespace}/`}${name}`);
  const others = items.length - named.length;
  return [...named, ...(others > 0 ? [`and ${others} more`] : [])].join(', ');
}

/** What each event of an instance's log is; others are none of the timeline's business. */
function kindOf({ op, detail }: InstanceRow): HappeningKind | undefined {
  if (op === 'register') return undefined; // it takes traffic later, and says so
  if (op === 'routable') return detail === 'ready' ? 'instance_joined' : 'instance_unready';
  return 'instance_left';
}

const DID = { instance_joined: 'takes traffic', instance_left: 'left', instance_unready: 'is not ready' };

function ofInstance(row: InstanceRow): readonly Happening[] {
  const kind = kindOf(row);
  if (kind === undefined || kind === 'change' || kind === 'refusal' || kind === 'rotation') return [];
  const { at, namespace, name, workload, version } = row;
  const id = workload === '' ? `${namespace}/${name}` : `${namespace}/${workload}/${name}`;
  const touches = workload === '' ? [id] : [id, `${namespace}/${workload}`];
  const title = `${id}${version === '' ? '' : ` of version ${version}`} ${DID[kind]}`;
  return [{ at, kind, id, title, touches, reversible: false }];
}

const ofRotation = ({ id, at, purpose }: { id: string; at: number; purpose: string }): Happening => ({
  ...{ at, kind: 'rotation', id, touches: [], reversible: false },
  title: `a new ${purpose} certificate was made`,
});

function ofRefusal({ change, at, refused }: RefusalRow): Happening {
  const [first] = refused;
  const proxies = [...new Set(refused.map(({ proxy }) => proxy))];
  const others = proxies.length > 1 ? ` and ${proxies.length - 1} others` : '';
  return {
    ...{ at, kind: 'refusal', id: changeId(change), reversible: true },
    title: `${first?.proxy ?? ''}${others} refused ${changeId(change)}: ${first?.message ?? ''}`,
    touches: proxies.map(instanceOf),
  };
}

/** `<namespace>/<workload>/<instance>` of `<mesh>/<namespace>/<workload>/<instance>`. */
const instanceOf = (proxy: string): string =>
  proxy.split('/').length === 4 ? proxy.slice(proxy.indexOf('/') + 1) : proxy;
