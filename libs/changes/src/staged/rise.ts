import type { HostEvidence, Sum, Traffic } from './evidence.js';

/** Fewer requests, or fewer failures, say nothing: a single hiccup is no rise. */
const LEAST_REQUESTS = 10;
const LEAST_FAILURES = 5;
/** By how much the share of failures must be above what it was, and above that of the others. */
const RISE = 0.05;

const share = (failures: number, requests: number): number => (requests === 0 ? 0 : failures / requests);

/** Where the failures of a host's proxies have risen: more than before, and more than at others meanwhile. */
export function riseAt({ traffic }: HostEvidence, { others }: Pick<Sum, 'others'>): string | undefined {
  for (const [scope, seen] of Object.entries(traffic)) {
    if (!isEnough(seen)) continue;
    const now = share(seen.failures, seen.requests);
    const before = share(seen.failuresBefore, seen.requestsBefore);
    const elsewhere = others.get(scope);
    const meanwhile = elsewhere ? share(elsewhere.failures, elsewhere.requests) : 0;
    if (now >= Math.max(before, meanwhile) + RISE)
      return `${percent(now)} of ${seen.requests} requests failed (${scope}), ${percent(before)} before`;
  }
  return undefined;
}

const isEnough = ({ requests, failures }: Traffic): boolean => requests >= LEAST_REQUESTS && failures >= LEAST_FAILURES;

const percent = (of: number): string => `${Math.round(of * 1_000) / 10} %`;
