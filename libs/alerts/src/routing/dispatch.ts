/** Who is to be told what now: Alertmanager's grouping, as a pure function. */
import { canonicalJson } from '#libs/kernel';
import type { AlertReceiver } from '#libs/model';
import type { AlertGroupRow, AlertRow, SilenceRow } from '#libs/store';
import { interestOf, silencedBy } from './matching.js';

export interface Dispatching {
  /** Firing, pending and lately resolved ones. */
  readonly alerts: readonly AlertRow[];
  readonly receivers: readonly AlertReceiver[];
  readonly silences: readonly SilenceRow[];
  readonly groups: readonly AlertGroupRow[];
  /** Groups of which a notification waits to be sent: they are told again when it has arrived. */
  readonly queued: readonly Pick<AlertGroupRow, 'receiver' | 'groupKey'>[];
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** One notification: what a group has come to. */
export interface DueNotification {
  readonly receiver: AlertReceiver;
  readonly groupKey: string;
  readonly groupLabels: Readonly<Record<string, string>>;
  /** Those that fire, then those that have ended since the receiver was told of them. Never empty. */
  readonly alerts: readonly AlertRow[];
}

export interface Dispatch {
  readonly notifications: readonly DueNotification[];
  /** Groups that are others than before. */
  readonly groups: readonly AlertGroupRow[];
  readonly removedGroups: readonly AlertGroupRow[];
  /** Fingerprints of ended alerts that somebody is still to be told of. */
  readonly awaited: ReadonlySet<string>;
}

export const receiverKey = ({ namespace, name }: Pick<AlertReceiver, 'namespace' | 'name'>): string =>
  `${namespace}/${name}`;

const groupId = ({ receiver, groupKey }: Pick<AlertGroupRow, 'receiver' | 'groupKey'>): string =>
  `${receiver} ${groupKey}`;

export function dispatch(given: Dispatching): Dispatch {
  const silenced = silencedBy(given.silences);
  const known = new Map(given.groups.map((group) => [groupId(group), group]));
  const queued = new Set(given.queued.map(groupId));
  const notifications: DueNotification[] = [];
  const kept = new Map<string, AlertGroupRow>();
  for (const receiver of given.receivers) {
    for (const [groupKey, alerts] of groupsOf(receiver, given.alerts)) {
      const id = groupId({ receiver: receiverKey(receiver), groupKey });
      const group = known.get(id) ?? {
        receiver: receiverKey(receiver),
        groupKey,
        firstAt: given.now,
        lastAt: 0,
        told: {},
      };
      const look = lookAt(alerts, group, (labels) => silenced(labels) !== undefined);
      const tells = !queued.has(id) && isDue(receiver, { group, look, now: given.now });
      const next = tells ? { ...group, lastAt: given.now, told: toldOf(look) } : group;
      if (isWorthKeeping(look, next)) kept.set(id, next);
      const alertsToTell = [...look.firing, ...(receiver.sendResolved ? look.over : [])];
      if (tells && alertsToTell.length > 0)
        notifications.push({ receiver, groupKey, groupLabels: labelsOf(receiver, alerts), alerts: alertsToTell });
    }
  }
  return {
    notifications,
    groups: [...kept].flatMap(([id, group]) => (known.get(id) === group ? [] : [group])),
    removedGroups: given.groups.filter((group) => !kept.has(groupId(group))),
    awaited: new Set([...kept.values()].flatMap(({ told }) => Object.keys(told))),
  };
}

/** Alerts that concern a receiver, by group. Pending ones concern nobody. */
function groupsOf(receiver: AlertReceiver, alerts: readonly AlertRow[]): ReadonlyMap<string, readonly AlertRow[]> {
  const concerns = interestOf(receiver);
  const mine = alerts.filter(({ state, labels }) => state !== 'pending' && concerns(labels));
  return Map.groupBy(mine, ({ labels }) => canonicalJson(groupLabels(receiver, labels)));
}

const groupLabels = (
  { groupBy }: AlertReceiver,
  labels: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> =>
  Object.fromEntries(groupBy.flatMap((label) => (labels[label] === undefined ? [] : [[label, labels[label]]])));

const labelsOf = (receiver: AlertReceiver, [first]: readonly AlertRow[]): Readonly<Record<string, string>> =>
  groupLabels(receiver, first?.labels ?? {});

/** A group as it is, beside what its receiver was told. */
interface Look {
  /** Not silenced. */
  readonly firing: readonly AlertRow[];
  /** Silenced, but the receiver knows of them. */
  readonly hushed: readonly AlertRow[];
  /** Whoever was told that it fires is told that it has ended, silenced meanwhile or not. */
  readonly over: readonly AlertRow[];
  readonly hasNews: boolean;
}

function lookAt(
  alerts: readonly AlertRow[],
  { told }: AlertGroupRow,
  isSilenced: (labels: Readonly<Record<string, string>>) => boolean,
): Look {
  const isTold = ({ fingerprint }: AlertRow): boolean => Object.hasOwn(told, fingerprint);
  const fires = alerts.filter(({ state }) => state === 'firing');
  const firing = fires.filter(({ labels }) => !isSilenced(labels));
  const over = alerts.filter((alert) => alert.state === 'resolved' && isTold(alert));
  return {
    firing,
    hushed: fires.filter((alert) => isSilenced(alert.labels) && isTold(alert)),
    over,
    hasNews: over.length > 0 || firing.some(({ fingerprint, firingAt }) => told[fingerprint] !== firingAt),
  };
}

const toldOf = ({ firing, hushed }: Look): Readonly<Record<string, number>> =>
  Object.fromEntries([...firing, ...hushed].map(({ fingerprint, firingAt }) => [fingerprint, firingAt]));

const isWorthKeeping = ({ firing }: Look, { told }: AlertGroupRow): boolean =>
  firing.length > 0 || Object.keys(told).length > 0;

function isDue(
  receiver: AlertReceiver,
  { group, look, now }: { readonly group: AlertGroupRow; readonly look: Look; readonly now: number },
): boolean {
  const { firing, hasNews } = look;
  if (group.lastAt === 0) return firing.length > 0 && now - group.firstAt >= receiver.groupWaitMs;
  if (hasNews) return now - group.lastAt >= receiver.groupIntervalMs;
  return firing.length > 0 && receiver.repeatIntervalMs > 0 && now - group.lastAt >= receiver.repeatIntervalMs;
}
