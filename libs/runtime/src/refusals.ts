import type { NackInfo, StreamInfo } from '#libs/xds';
import type { PublishedChange } from './published.js';

export type IsAmong = (type: string, name: string) => boolean;

/** Keeps the names only, not the resources with their bytes. */
export function among(resources: PublishedChange['resources']): IsAmong {
  const byType = new Map<string, Set<string>>();
  for (const { type, name } of resources) byType.set(type, (byType.get(type) ?? new Set()).add(name));
  return (type, name) => byType.get(type)?.has(name) ?? false;
}

/** A refusal of what a client should have now, of which it says nothing anew. */
export interface Standing {
  readonly stream: StreamInfo;
  readonly nack: NackInfo;
  /** The change has brought it, or brought it back. */
  readonly isSet: boolean;
}

/** What clients still refuse at this change: the ones among what it has set are its own. */
export function standing(
  { resources }: PublishedChange,
  refusals: Iterable<readonly [StreamInfo, NackInfo]>,
): readonly Standing[] {
  const all = [...refusals];
  if (all.length === 0) return [];
  const isAmong = among(resources);
  return all.map(([stream, nack]) => ({
    stream,
    nack,
    isSet: nack.names.some((name) => isAmong(nack.type, name)),
  }));
}
