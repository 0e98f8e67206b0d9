import type { Facts, InstanceFacts, ServiceFacts } from './facts/facts.js';
import { bucketOf } from './facts/facts.js';

/** Instances of a version that a service did not have at the start of the window. */
export interface Release {
  readonly version: string;
  readonly instances: readonly InstanceFacts[];
  /** First bucket in which one of them was there. */
  readonly from: number;
}

/** Buckets at the start of the window in which everything looks new. */
const WARM_UP = 2;

export function releasesOf(facts: Facts, service: ServiceFacts): Release[] {
  const versions = [...new Set(service.instances.map(({ version }) => version))].filter((version) => version !== '');
  if (versions.length < 2) return [];
  return versions.flatMap((version) => {
    const instances = service.instances.filter((instance) => instance.version === version);
    const from = Math.min(...instances.map((instance) => joinedAt(facts, instance)));
    return from >= facts.began + WARM_UP && Number.isFinite(from) ? [{ version, instances, from }] : [];
  });
}

/** The bucket in which an instance came or came back, by the timeline or else by its first attempt; Infinity when it was never sent one. */
export function joinedAt(facts: Facts, { instance, attempts }: InstanceFacts): number {
  const first = attempts.findIndex((count) => count > 0);
  if (first < 0) return Number.POSITIVE_INFINITY;
  const joined = facts.events.findLast(
    (event) => event.kind === 'instance_joined' && event.touches.includes(instance) && event.at <= facts.at,
  );
  return joined === undefined ? first : Math.min(facts.buckets - 1, bucketOf(facts, joined.at));
}
