/** What happened beside the traffic, as marks on charts and lines of the timeline. */
import { BellRing, GitCommitVertical, KeyRound, OctagonX, ScanSearch, Server, ServerOff } from 'lucide-react';
import type { AlertEvent, Happening, PatternView } from '../api/signals';
import type { Mark } from '../ui/chart/marks';
import { PATTERN_WORDS, serviceName } from './words';

export type MarkKind = 'change' | 'refusal' | 'rotation' | 'instance' | 'alert' | 'pattern';

export interface Happened extends Mark {
  readonly id: string;
  readonly kind: MarkKind;
  /** `<namespace>/<name>` of services and workloads, a namespace for all in it; empty = the whole mesh. */
  readonly touches: readonly string[];
}

type Look = Pick<Happened, 'kind' | 'what' | 'tone' | 'icon'>;

const LOOKS: Readonly<Record<Happening['kind'], Look>> = {
  change: { kind: 'change', what: 'Change', tone: 'accent', icon: GitCommitVertical },
  refusal: { kind: 'refusal', what: 'Refusal', tone: 'bad', icon: OctagonX },
  rotation: { kind: 'rotation', what: 'Rotation', tone: 'idle', icon: KeyRound },
  instance_joined: { kind: 'instance', what: 'Instance joined', tone: 'good', icon: Server },
  instance_left: { kind: 'instance', what: 'Instance left', tone: 'idle', icon: ServerOff },
  instance_unready: { kind: 'instance', what: 'Instance not ready', tone: 'warn', icon: ServerOff },
};

function hrefOf({ kind, id }: Happening): string {
  if (kind === 'change' || kind === 'refusal') return `/changes/${id}`;
  if (kind === 'rotation') return '/certificates';
  const [namespace = '', ...rest] = id.split('/');
  return `/proxies/${namespace}/${rest.at(-1) ?? ''}`;
}

export const ofHappening = (one: Happening): Happened => ({
  ...LOOKS[one.kind],
  ...{ id: one.id, at: Date.parse(one.at), title: one.title, touches: one.touches, href: hrefOf(one) },
});

export function ofAlert({ fingerprint, at, state, name, summary, labels }: AlertEvent): Happened {
  const { namespace = '', service = '' } = labels;
  const isOver = state !== 'firing' && state !== 'pending';
  return {
    ...{ kind: 'alert', id: `${fingerprint} ${state}`, at: Date.parse(at), href: `/alerts/${fingerprint}` },
    ...{ what: isOver ? 'Alert over' : 'Alert', tone: isOver ? 'good' : 'bad', icon: BellRing },
    title: `${name}: ${summary}`,
    touches: touchedBy(namespace, service),
  };
}

function touchedBy(namespace: string, service: string): readonly string[] {
  if (service !== '') return [service.includes('/') ? service : `${namespace}/${service}`];
  return namespace === '' ? [] : [namespace];
}

export const ofPattern = ({ id, name, begun, sentence, scope, upstream }: PatternView): Happened => ({
  ...{ kind: 'pattern', id, at: Date.parse(begun), href: `/patterns/${id}`, tone: 'bad', icon: ScanSearch },
  ...{ what: 'Pattern', title: `${PATTERN_WORDS[name]}: ${sentence}` },
  touches: [...scope.callees, ...upstream].map(serviceName),
});

interface Told {
  readonly happenings: readonly Happening[];
  readonly alerts: readonly AlertEvent[];
  readonly patterns: readonly PatternView[];
}

/** Everything that happened, the oldest first. */
export const happenedOf = ({ happenings, alerts, patterns }: Told): readonly Happened[] =>
  [
    ...happenings.map(ofHappening),
    ...alerts.filter(({ state }) => state === 'firing' || state === 'resolved').map(ofAlert),
    ...patterns.map(ofPattern),
  ].toSorted((a, b) => a.at - b.at);

/** Of the whole mesh, or of one of these: `<namespace>/<name>` of services, workloads, instances' workloads. */
export function concerns({ touches }: Happened, names: ReadonlySet<string>): boolean {
  const namespaces = new Set([...names].map((name) => name.split('/')[0] ?? ''));
  return (
    touches.length === 0 ||
    touches.some((one) => names.has(one) || names.has(workloadOf(one)) || (!one.includes('/') && namespaces.has(one)))
  );
}

/** `<namespace>/<workload>` of `<namespace>/<workload>/<instance>`. */
const workloadOf = (name: string): string => name.split('/').slice(0, 2).join('/');
