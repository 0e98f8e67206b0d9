/** Requests that a change of routes sends elsewhere. */
import { canonicalJson } from '#libs/kernel';
import { evaluate } from './evaluate.js';
import type { Evaluation, RoutingConfig, SampleRequest } from './types.js';
import { destinationText, effectTexts } from './words.js';

/** Requests whose change reads the same. */
export interface ChangedGroup {
  /** `elsewhere`: another cluster, share, redirect or answer. `treatment`: the same one, but rewritten, timed or retried otherwise. */
  readonly change: 'elsewhere' | 'treatment';
  readonly before: string;
  readonly after: string;
  /** Effects that only one side has, for `treatment`. */
  readonly lost: readonly string[];
  readonly gained: readonly string[];
  /** Positions in the list of requests. */
  readonly requests: readonly number[];
}

export interface Comparison {
  readonly total: number;
  readonly unchanged: number;
  /** Positions of requests that cannot be judged before or after, with the reason. */
  readonly unsupported: readonly { readonly request: number; readonly reason: string }[];
  /** The largest first; of equal ones that with the earlier request. */
  readonly groups: readonly ChangedGroup[];
}

/** What is compared: not names of routes, which no request can tell. */
const destinationOf = ({ verdict }: Evaluation): unknown => {
  if (verdict.type === 'forwarded') {
    const shares = new Map<string, number>();
    for (const { cluster, share } of verdict.clusters) shares.set(cluster, (shares.get(cluster) ?? 0) + share);
    return [...shares].filter(([, share]) => share > 0).sort(([a], [b]) => (a < b ? -1 : 1));
  }
  if (verdict.type === 'redirected') return ['redirected', verdict.status, verdict.location];
  if (verdict.type === 'answered' || verdict.type === 'refused') return [verdict.type, verdict.status];
  return verdict.type;
};

const differs = (a: unknown, b: unknown): boolean => canonicalJson(a) !== canonicalJson(b);

/** Replays requests against the routes before and after a change. */
export function compare(before: RoutingConfig, after: RoutingConfig, requests: readonly SampleRequest[]): Comparison {
  const groups = new Map<string, ChangedGroup & { readonly requests: number[] }>();
  const unsupported: Comparison['unsupported'][number][] = [];
  let unchanged = 0;
  for (const [index, request] of requests.entries()) {
    const sides = [evaluate(before, request), evaluate(after, request)] as const;
    const unread = sides.find(({ verdict }) => verdict.type === 'unsupported');
    const group = unread ? undefined : changeOf(...sides, request);
    if (unread) unsupported.push({ request: index, reason: destinationText(unread) });
    else if (!group) unchanged++;
    else {
      const key = canonicalJson(group);
      const held = groups.get(key);
      if (held) held.requests.push(index);
      else groups.set(key, { ...group, requests: [index] });
    }
  }
  const sorted = [...groups.values()].sort((a, b) => b.requests.length - a.requests.length);
  return { total: requests.length, unchanged, unsupported, groups: sorted };
}

function changeOf(
  before: Evaluation,
  after: Evaluation,
  request: SampleRequest,
): Omit<ChangedGroup, 'requests'> | undefined {
  const change = differs(destinationOf(before), destinationOf(after)) ? 'elsewhere' : 'treatment';
  const [old, now] = [effectTexts(before, request), effectTexts(after, request)];
  const lost = change === 'elsewhere' ? [] : old.filter((text) => !now.includes(text));
  const gained = change === 'elsewhere' ? [] : now.filter((text) => !old.includes(text));
  if (change === 'treatment' && !differs(old, now)) return undefined;
  return { change, before: destinationText(before), after: destinationText(after), lost, gained };
}
