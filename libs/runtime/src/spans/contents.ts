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

/** What a proxy has in common with others of its class, or what is its own. */
export type Part = 'shared' | 'own';

/** Listeners have the addresses of their instance; everything inbound is of the workload or the instance. */
const partOf = (url: string, name: string): Part =>
  url === TYPE.listener || name.startsWith('inbound/') ? 'own' : 'shared';

/** Tells what is held to somebody, without a copy of it. */
export function eachHolding(holdings: readonly TypeHoldings[], tell: (part: Part, holding: Holding) => void): void {
  for (const { type, acked } of holdings) {
    if (!RECORDED.includes(type)) continue;
    for (const [name, holding] of acked) tell(partOf(type, name), holding);
  }
}

export function contentsOf(holdings: readonly TypeHoldings[], part: Part): readonly Content[] {
  const contents: Content[] = [];
  for (const { type: url, acked } of holdings) {
    if (!RECORDED.includes(url)) continue;
    const type = shortType(url);
    for (const [name, holding] of acked) if (partOf(url, name) === part) contents.push({ type, name, holding });
  }
  return contents;
}

/** What Envoys say can be long, and the same of many of them. */
const WORDS = 500;
const PINS = 100;

/** What was refused, and is not what the proxy runs. */
export const pinsOf = (holdings: readonly TypeHoldings[]): readonly Pin[] =>
  holdings
    .filter(({ type }) => RECORDED.includes(type))
    .flatMap(({ type, refused }) =>
      refused.map(({ name, version, message }) => ({
        ...{ type: shortType(type), name, hash: version },
        message: message.slice(0, WORDS).toWellFormed(),
      })),
    )
    .slice(0, PINS);
