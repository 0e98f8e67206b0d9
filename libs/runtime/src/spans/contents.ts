import { shortType, TYPE } from '#libs/envoy-api';
import type { Pin } from '#libs/store';
import type { Holding, TypeHoldings } from '#libs/xds';

/** What is recorded: endpoints change too often and are in the log of instances, secrets are nobody's business. */
export const RECORDED: readonly string[] = [TYPE.cluster, TYPE.listener, TYPE.scopedRoute, TYPE.route];

/** A content that a proxy confirmed. */
export interface Content {
  readonly type: string;
  readonly name: string;
  readonly holding: Holding;
}

/** What a proxy holds: what it has in common with others of its class, and what is its own. */
export interface Contents {
  readonly shared: readonly Content[];
  readonly own: readonly Content[];
  readonly pins: readonly Pin[];
}

/** Listeners have the addresses of their instance; everything inbound is of the workload or the instance. */
const isOwn = (type: string, name: string): boolean => type === 'LDS' || name.startsWith('inbound/');

export function contentsOf(holdings: readonly TypeHoldings[]): Contents {
  const shared: Content[] = [];
  const own: Content[] = [];
  const pins: Pin[] = [];
  for (const { type: url, acked, refused } of holdings) {
    if (!RECORDED.includes(url)) continue;
    const type = shortType(url);
    for (const [name, holding] of acked) (isOwn(type, name) ? own : shared).push({ type, name, holding });
    for (const { name, version, message } of refused) pins.push({ type, name, hash: version, message });
  }
  return { shared, own, pins };
}
