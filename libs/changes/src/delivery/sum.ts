import type { KnownProgress, ReplicaProgress } from '#libs/store';
import type { Delivery, DeliveryState, LocalProgress, ReplicaDelivery } from './types.js';

/** Most names of each sort of one replica; counts are of all. */
const NAMED = 100;

type Here = LocalProgress & { readonly replica: string };

/** A change of which nothing is kept any more. */
export const UNKNOWN: Delivery = {
  ...{ state: 'Unknown', total: 0, acked: 0, refusing: 0, refused: [], behind: [], elapsedMs: 0, replicas: [] },
};

/**
 * The delivery of one change: what all replicas know of it, taken together.
 * @param known rows of the store about it: each replica that is alive, and others that have reported it
 * @param here the replica that is asked, if it knows newer
 */
export function sumDelivery(known: readonly KnownProgress[], here: Here | undefined): Delivery {
  const parts = withHere(known, here).map(ended);
  const all = parts.flatMap(({ progress }) => progress ?? []);
  const sum = (count: (one: ReplicaProgress) => number): number => all.reduce((total, one) => total + count(one), 0);
  const counts = {
    total: sum(({ total }) => total),
    acked: sum(({ acked }) => acked),
    refusing: sum(({ refusing }) => refusing),
  };
  return {
    state: stateOf(parts, counts),
    ...counts,
    refused: all.flatMap(({ refused }) => refused.slice(0, NAMED)),
    behind: all.flatMap(({ behind }) => behind.slice(0, NAMED)),
    elapsedMs: Math.max(0, ...all.map(({ elapsedMs }) => elapsedMs)),
    replicas: parts.map(replicaPart),
  };
}

const isAnswered = ({ total, acked, refusing }: ReplicaProgress): boolean => acked + refusing >= total;

function withHere(known: readonly KnownProgress[], here: Here | undefined): readonly KnownProgress[] {
  if (!here) return known;
  const own = known.find(({ replica }) => replica === here.replica);
  if (here.loaded && own?.progress && isAnswered(own.progress)) return known;
  const others = known.filter((part) => part !== own);
  const part = { change: own?.change ?? 0, replica: here.replica, alive: true, progress: here };
  return [...others, part].sort((a, b) => (a.replica < b.replica ? -1 : 1));
}

/** Nobody answers a replica that is gone. */
function ended(part: KnownProgress): KnownProgress {
  if (part.alive || !part.progress) return part;
  const { acked, refusing } = part.progress;
  return { ...part, progress: { ...part.progress, total: acked + refusing, behind: [] } };
}

function stateOf(
  parts: readonly KnownProgress[],
  { total, acked, refusing }: Pick<Delivery, 'total' | 'acked' | 'refusing'>,
): DeliveryState {
  const isPending = parts.some(({ alive, progress }) => alive && !progress);
  if (isPending || acked + refusing < total) return 'Delivering';
  if (refusing > 0) return 'Refused';
  return parts.some(({ alive }) => alive) || total > 0 ? 'Delivered' : 'Unserved';
}

const replicaPart = ({ replica, alive, progress }: KnownProgress): ReplicaDelivery => ({
  ...{ replica, total: progress?.total ?? 0, acked: progress?.acked ?? 0 },
  ...{ pending: progress === undefined, stale: !alive },
});
