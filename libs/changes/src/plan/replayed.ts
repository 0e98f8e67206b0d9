/** Sample requests of a plan: where they go before and after, for every kind of caller. */
import type { CallerRoutes } from '#libs/compiler';
import type { PassBudget } from '#libs/incremental';
import { canonicalJson } from '#libs/kernel';
import { type ChangedGroup, compare } from '../replay/compare.js';
import { routingConfigs } from '../replay/routing-config.js';
import type { RoutingConfig, SampleRequest } from '../replay/types.js';
import { requestText } from '../replay/words.js';
import { turn } from '../turns.js';
import type { Replay, ReplayGroup } from './types.js';

/** The listener of all hosts, which proxies of Envoys with scoped routes have. */
const LISTENER = 'outbound';
/** Requests between two looks at the clock. */
const CHUNK = 20;
const EXAMPLES = 3;

/** @param slice as long as a turn of the event loop may be */
export async function replayed(
  callers: readonly CallerRoutes[],
  requests: readonly SampleRequest[],
  slice: () => PassBudget,
): Promise<Replay> {
  const groups = new Map<string, ReplayGroup & { readonly callers: ReplayGroup['callers'][number][] }>();
  const unsupported = new Map<number, string>();
  let skipped = 0;
  for (const { namespace, proxies, before, after } of callers) {
    const [old, now] = [before, after].map((resources) => routingConfigs(resources).get(LISTENER));
    if (old && now) {
      const found = await compareInSlices([old, now], requests, slice);
      for (const [request, reason] of found.unsupported) unsupported.set(request, reason);
      for (const group of found.groups) {
        const key = canonicalJson(group);
        const examples = group.requests.slice(0, EXAMPLES).flatMap((at) => textOf(requests[at]));
        const known = groups.get(key) ?? { ...group, examples, callers: [] };
        known.callers.push({ namespace, proxies });
        groups.set(key, known);
      }
    } else skipped += proxies;
  }
  const changed = new Set([...unsupported.keys(), ...[...groups.values()].flatMap((group) => group.requests)]);
  return {
    total: requests.length,
    unchanged: requests.length - changed.size,
    groups: [...groups.values()].sort((a, b) => b.requests.length - a.requests.length),
    unsupported: [...unsupported]
      .sort(([a], [b]) => a - b)
      .map(([request, reason]) => ({ request, example: textOf(requests[request]).join(), reason })),
    skipped,
  };
}

const textOf = (request: SampleRequest | undefined): readonly string[] => (request ? [requestText(request)] : []);

interface Compared {
  readonly groups: readonly ChangedGroup[];
  readonly unsupported: readonly (readonly [number, string])[];
}

async function compareInSlices(
  [before, after]: readonly [RoutingConfig, RoutingConfig],
  requests: readonly SampleRequest[],
  slice: () => PassBudget,
): Promise<Compared> {
  const groups = new Map<string, ChangedGroup & { readonly requests: number[] }>();
  const unsupported: (readonly [number, string])[] = [];
  let budget = slice();
  for (let from = 0; from < requests.length; from += CHUNK) {
    const found = compare(before, after, requests.slice(from, from + CHUNK));
    for (const { request, reason } of found.unsupported) unsupported.push([from + request, reason]);
    for (const { requests: positions, ...words } of found.groups) {
      const key = canonicalJson(words);
      const known = groups.get(key) ?? { ...words, requests: [] };
      known.requests.push(...positions.map((at) => from + at));
      groups.set(key, known);
    }
    if (!budget.exhausted()) continue;
    await turn();
    budget = slice();
  }
  return { groups: [...groups.values()], unsupported };
}
