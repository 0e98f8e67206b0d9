import type { Traffic } from '#libs/changes';
import type { RequestCount } from '#libs/kernel';

type Counts = Pick<RequestCount, 'requests' | 'failures'>;

const NONE: Counts = { requests: 0, failures: 0 };
/** Of a group, so that a report stays small: where most has failed. */
const MOST_SCOPES = 20;

/** Requests since a moment, and before it, in groups of proxies. */
export class TrafficWatch {
  /** By node and scope, at that moment. */
  readonly #base: ReadonlyMap<string, ReadonlyMap<string, Counts>>;

  /** @param before for proxies that it has seen: their moment was an earlier one */
  constructor(now: Iterable<RequestCount>, before?: TrafficWatch) {
    const base = new Map<string, Map<string, Counts>>();
    for (const { node, scope, requests, failures } of now) {
      const scopes = base.get(node) ?? new Map<string, Counts>();
      if (scopes.size === 0) base.set(node, scopes);
      scopes.set(scope, before?.countsAt(node, scope) ?? { requests, failures });
    }
    this.#base = base;
  }

  private countsAt(node: string, scope: string): Counts | undefined {
    return this.#base.get(node)?.get(scope);
  }

  /** @param groupOf a node's group; undefined = it is one of the others */
  since(
    now: Iterable<RequestCount>,
    groupOf: (node: string) => string | undefined,
  ): {
    readonly groups: ReadonlyMap<string, Readonly<Record<string, Traffic>>>;
    readonly others: Readonly<Record<string, Traffic>>;
  } {
    const groups = new Map<string, Map<string, Traffic>>();
    const others = new Map<string, Traffic>();
    for (const { node, scope, requests, failures } of now) {
      const group = groupOf(node);
      const scopes = group === undefined ? others : (groups.get(group) ?? new Map<string, Traffic>());
      if (group !== undefined) groups.set(group, scopes);
      const base = this.countsAt(node, scope) ?? NONE;
      const known = scopes.get(scope);
      scopes.set(scope, {
        // A sidecar that was forgotten in between begins at nothing.
        requests: (known?.requests ?? 0) + Math.max(0, requests - base.requests),
        failures: (known?.failures ?? 0) + Math.max(0, failures - base.failures),
        requestsBefore: (known?.requestsBefore ?? 0) + base.requests,
        failuresBefore: (known?.failuresBefore ?? 0) + base.failures,
      });
    }
    const failing = new Map([...groups].map(([group, scopes]) => [group, worst(scopes)]));
    const named = new Set([...failing.values()].flatMap((scopes) => Object.keys(scopes)));
    return { groups: failing, others: Object.fromEntries([...others].filter(([scope]) => named.has(scope))) };
  }
}

const worst = (scopes: ReadonlyMap<string, Traffic>): Readonly<Record<string, Traffic>> =>
  Object.fromEntries(
    [...scopes]
      .filter(([, { failures }]) => failures > 0)
      .sort(([, a], [, b]) => b.failures - a.failures)
      .slice(0, MOST_SCOPES),
  );
