/** Retries that multiply along the call graph, and retries that there is no time for. */
import { destinationOf, SERVICE } from '#libs/compiler';
import type { Ctx } from '#libs/incremental';
import { atOnce, eachOf, flatMapped, pointer, type Steps } from '#libs/kernel';
import { idOf, type ResourceId, resourceKey } from '#libs/model';
import { type Handling, handlings, type Place, placesOf, routingNamespaces, uniqueIds } from './places.js';
import type { Check, FindingDraft } from './types.js';

/** Conditions after which the callee may have called others already; the rest never reached it. */
const MULTIPLYING =
  /^(5xx|gateway-error|reset|retriable-status-codes|retriable-headers|retriable-4xx|cancelled|deadline-exceeded|internal|resource-exhausted|unavailable)$/;

const multiplies = (on: string): boolean => on.split(',').some((condition) => MULTIPLYING.test(condition));

/** As many requests at the end of a chain of calls for one at its beginning are reported: 3 x 3 is not, 3 x 3 x 3 is. */
const TOO_MANY = 10;

/** Longest chain that is looked at. */
const MAX_HOPS = 32;

interface Hop {
  readonly service: string;
  /** Attempts of its callers for each of their requests. */
  readonly attempts: number;
  readonly from: readonly ResourceId[];
}

/** A chain of calls, first callee first. */
type Chain = readonly Hop[];

const product = (chain: Chain): number => chain.reduce((all, { attempts }) => all * attempts, 1);

export const amplification: Check = function* (look) {
  const hops = new Map<string, Hop>();
  const routing = routingNamespaces(look);
  const hop = (service: string): Hop => {
    const known = hops.get(service) ?? hopTo(look.ctx, service, routing);
    hops.set(service, known);
    return known;
  };
  const callers: Next = (service) =>
    flatMapped(look.mayCall(service), (caller) => (calls(look.ctx, caller, service) ? [caller] : []), 64);
  const callees: Next = (service) => atOnce(calleesOf(look.ctx, service));
  const upwards = new Map<string, Chain>();
  const downwards = new Map<string, Chain>();
  const found = new Map<string, FindingDraft>();
  for (const key of look.destinations) {
    const before = yield* longest(key, hop, callers, upwards);
    const chain = [...before.slice(1).reverse(), ...(yield* longest(key, hop, callees, downwards))];
    const relevant = chain.filter(({ attempts }) => attempts > 1);
    if (product(chain) < TOO_MANY || relevant.length < 2) continue;
    const last = relevant.at(-1);
    const text = chain.map(({ service, attempts }) => `${service}${attempts > 1 ? ` (${attempts}x)` : ''}`).join(' → ');
    if (last && !found.has(text)) found.set(text, draft(last, text, relevant));
  }
  return [...found.values()];
};

function draft({ service }: Hop, text: string, relevant: Chain): FindingDraft {
  const [namespace = '', name = ''] = service.split('/');
  const factors = relevant.map(({ attempts }) => attempts).join(' x ');
  const message = `one request can become ${factors} = ${product(relevant)}: ${text}. Retry at one place of the chain only`;
  const by = uniqueIds(relevant.flatMap(({ from }) => from));
  return { code: 'retry-amplification', resource: { kind: 'Service', namespace, name }, path: '', message, by };
}

const calleesOf = (ctx: Ctx, service: string): readonly string[] =>
  (ctx.input(SERVICE, service)?.dependencies ?? []).filter((key) => destinationOf(ctx, key) !== undefined);

const calls = (ctx: Ctx, caller: string, callee: string): boolean =>
  ctx.input(SERVICE, caller)?.dependencies.includes(callee) ?? false;

function hopTo(ctx: Ctx, service: string, routing: readonly string[]): Hop {
  const places = placesOf(ctx, service, routing);
  const all = places.flatMap((place) => handlings(ctx, place)).filter(({ retryOn }) => multiplies(retryOn));
  const worst = all.reduce<Handling | undefined>((a, b) => (a && a.retries >= b.retries ? a : b), undefined);
  return { service, attempts: 1 + (worst?.retries ?? 0), from: worst?.retriesFrom ?? [] };
}

type Next = (service: string) => Steps<readonly string[]>;

/**
 * The chain from a service along `next` with the largest product, without loops: what lies on a cycle of calls counts
 * once. Iterative; each service is settled once for all starts that share `best`.
 */
function* longest(from: string, hop: (service: string) => Hop, next: Next, best: Map<string, Chain>): Steps<Chain> {
  const open = new Set<string>();
  const known = new Map<string, readonly string[]>();
  const stack = [from];
  for (let service = stack.at(-1); service !== undefined; service = stack.at(-1)) {
    const others = best.has(service) ? [] : (known.get(service) ?? (yield* next(service)));
    known.set(service, others);
    const waiting = open.has(service) ? [] : others.filter((one) => !best.has(one) && !open.has(one));
    open.add(service);
    if (waiting.length > 0) {
      stack.push(...waiting);
      continue;
    }
    stack.pop();
    if (best.has(service)) continue;
    const tails = others.map((one) => best.get(one) ?? []);
    const worst = tails.reduce<Chain>((a, b) => (product(b) > product(a) ? b : a), []);
    yield;
    best.set(service, [hop(service), ...worst.slice(0, MAX_HOPS)]);
  }
  return best.get(from) ?? [];
}

export const hurriedRetries: Check = function* (look) {
  const found = new Map<string, FindingDraft>();
  const callers = routingNamespaces(look);
  for (const key of look.destinations) {
    for (const place of placesOf(look.ctx, key, callers)) {
      yield* eachOf(
        handlings(look.ctx, place),
        (handling) => {
          const draft = hurried(handling, place);
          if (draft) found.set(`${resourceKey(draft.resource)}${draft.path}`, draft);
        },
        16,
      );
    }
    yield;
  }
  return [...found.values()];
};

function hurried(handling: Handling, { destination }: Place): FindingDraft | undefined {
  const message = hurry(handling);
  if (message === undefined) return undefined;
  const by = uniqueIds([...handling.timeoutFrom, ...handling.retriesFrom]);
  return { code: 'timeout-shorter-than-retries', ...whereOf(handling, destination), message, by };
}

/** The rule's own timeout, else the policy that sets it, else the service. */
function whereOf(
  { route, rule, ruleIndex, timeoutFrom }: Handling,
  { kind, value }: { readonly kind: string; readonly value: { readonly namespace: string; readonly name: string } },
): { readonly resource: ResourceId; readonly path: string } {
  if (route && rule?.timeoutMs !== undefined)
    return { resource: idOf(route), path: pointer('spec', 'rules', ruleIndex, 'timeouts') };
  const [policy] = timeoutFrom;
  return policy
    ? { resource: policy, path: '/spec/request' }
    : { resource: { kind, namespace: value.namespace, name: value.name }, path: '' };
}

/** What there is no time for. Envoy waits a random time up to the n-th step of a doubling interval. */
function hurry({ timeoutMs, perTryMs, retries, backoffBaseMs, backoffMaxMs }: Handling): string | undefined {
  if (timeoutMs === 0 || retries === 0) return undefined;
  const waits = Array.from({ length: retries }, (_, i) => Math.min(backoffMaxMs, backoffBaseMs * (2 ** (i + 1) - 1)));
  const wait = waits.reduce((sum, ms) => sum + ms, 0);
  const tries = perTryMs * (retries + 1);
  if (wait + tries <= timeoutMs) return undefined;
  const parts = [
    ...(perTryMs > 0 ? [`${retries + 1} tries of ${perTryMs} ms`] : []),
    `up to ${wait} ms of waits for ${retries} retries`,
  ];
  return `the timeout of ${timeoutMs} ms ends before its retries can: ${parts.join(' and ')}`;
}
