/** What becomes of a request that a route rule matched. */
import {
  durationMs,
  FractionalPercent_DenominatorType,
  type MessageInitShape,
  PreviousHostsPredicateSchema,
  packAny,
  RedirectAction_RedirectResponseCode,
  type RetryPolicySchema,
  RouteAction_ClusterNotFoundResponseCode,
  type RouteActionSchema,
  type RouteSchema,
} from '#libs/envoy-api';
import type { Ctx } from '#libs/incremental';
import type { Backend, Redirect, Route, RoutePatch, RouteRule } from '#libs/model';
import { type ResolvedBackend, resolveBackend } from './backends.js';
import { type Init, mergeInit } from './init-message.js';
import { UNRESOLVED_CLUSTER } from './names.js';
import type { RankedMatch } from './route-matches.js';
import { headerFields, pathChange } from './route-rewrites.js';

export type RouteInit = Init<typeof RouteSchema>;
export type ActionInit = Init<typeof RouteActionSchema>;
type RetryInit = Init<typeof RetryPolicySchema>;
type RedirectInit = Extract<NonNullable<RouteInit['action']>, { case: 'redirect' }>['value'];

/** Retried for every request: nothing of it can have been carried out. */
const RETRY_ALWAYS = 'connect-failure,refused-stream,reset-before-request';

/** On another host, soon, and never more than the budget of the cluster allows. */
const DEFAULT_RETRY: RetryInit = {
  retryOn: RETRY_ALWAYS,
  numRetries: 2,
  retryHostPredicate: [
    {
      name: 'envoy.retry_host_predicates.previous_hosts',
      configType: { case: 'typedConfig', value: packAny(PreviousHostsPredicateSchema, {}) },
    },
  ],
  hostSelectionRetryMaxAttempts: 3n,
  retryBackOff: { baseInterval: durationMs(25), maxInterval: durationMs(250) },
};

/** Without any policy: no timeout of the whole request, since Envoy's 15 s would cut gRPC streams. */
const DEFAULT_ACTION: ActionInit = { timeout: durationMs(0), retryPolicy: DEFAULT_RETRY };

/** An action, and whether safe requests may be retried on `reset` too: not where somebody chose what to retry on. */
export interface Timed {
  readonly action: ActionInit;
  readonly splitsRetries: boolean;
}

/** Timeouts and retries: the rule's own over policies over defaults, field by field. */
export function timed(
  rule: Pick<RouteRule, 'timeoutMs' | 'backendTimeoutMs' | 'retry'> | undefined,
  patch: RoutePatch,
): Timed {
  const own: ActionInit = {
    ...(rule?.timeoutMs === undefined ? {} : { timeout: durationMs(rule.timeoutMs) }),
    retryPolicy: ownRetry(rule),
  };
  return {
    action: mergeInit(mergeInit(DEFAULT_ACTION, patch.action as ActionInit | undefined), own),
    splitsRetries: patch.action?.retryPolicy?.retryOn === undefined || rule?.retry !== undefined,
  };
}

function ownRetry(rule: Pick<RouteRule, 'backendTimeoutMs' | 'retry'> | undefined): RetryInit {
  const { attempts, backoffMs, codes = [] } = rule?.retry ?? {};
  const on = codes.length > 0 ? `${RETRY_ALWAYS},retriable-status-codes` : RETRY_ALWAYS;
  return {
    ...(rule?.retry ? { retryOn: on, retriableStatusCodes: [...codes] } : {}),
    ...(attempts === undefined ? {} : { numRetries: attempts }),
    ...(backoffMs
      ? { retryBackOff: { baseInterval: durationMs(backoffMs), maxInterval: durationMs(backoffMs * 10) } }
      : {}),
    ...(rule?.backendTimeoutMs ? { perTryTimeout: durationMs(rule.backendTimeoutMs) } : {}),
  };
}

/** The same action with retries of what only safe requests may repeat. */
export function retryingResets(action: MessageInitShape<typeof RouteActionSchema>): typeof action {
  const on = action.retryPolicy?.retryOn ?? '';
  return mergeInit<typeof action>(action, { retryPolicy: { retryOn: `${on},reset` } });
}

/** An Envoy route's action part, with the clusters it needs. */
export interface Outcome {
  readonly init: Pick<RouteInit, 'action' | 'requestHeadersToAdd' | 'responseHeadersToAdd'>;
  readonly clusters: readonly string[];
}

const failing = (): Outcome => ({ init: { action: { case: 'directResponse', value: { status: 500 } } }, clusters: [] });

interface Share {
  readonly backend: Backend;
  readonly resolved: ResolvedBackend;
}

/**
 * Where the rule's requests go. The share of backends that do not resolve is answered by 500, and so is everything when no
 * backend has weight: never by another service.
 */
export function forwarding(ctx: Ctx, ranked: RankedMatch, action: ActionInit): Outcome {
  const { route, rule } = ranked;
  const shares = rule.backends
    .filter((backend) => backend.weight > 0)
    .map((backend) => ({ backend, resolved: resolveBackend(ctx, route, backend) }));
  if (!shares.some((share) => share.resolved.ok)) return failing();
  const mirrors = mirrorsOf(ctx, route, rule);
  const value: ActionInit = {
    ...action,
    ...rewrites(ranked),
    clusterSpecifier: specifierOf(shares),
    ...(shares.every((share) => share.resolved.ok)
      ? {}
      : { clusterNotFoundResponseCode: RouteAction_ClusterNotFoundResponseCode.INTERNAL_SERVER_ERROR }),
    requestMirrorPolicies: mirrors,
  };
  const clusters = shares.flatMap((share) => (share.resolved.ok ? share.resolved.cluster : []));
  return {
    init: { action: { case: 'route', value }, ...headerFields(rule.requestHeaders, rule.responseHeaders) },
    clusters: [...clusters, ...mirrors.map((mirror) => mirror.cluster)],
  };
}

const clusterOf = ({ resolved }: Share): string => (resolved.ok ? resolved.cluster : UNRESOLVED_CLUSTER);

function specifierOf(shares: readonly Share[]): NonNullable<ActionInit['clusterSpecifier']> {
  const [only] = shares;
  if (only && shares.length === 1 && !only.backend.requestHeaders && !only.backend.responseHeaders) {
    return { case: 'cluster', value: clusterOf(only) };
  }
  const clusters = shares.map((share) => ({
    name: clusterOf(share),
    weight: share.backend.weight,
    ...headerFields(share.backend.requestHeaders, share.backend.responseHeaders),
  }));
  return { case: 'weightedClusters', value: { clusters } };
}

const mirrorsOf = (ctx: Ctx, route: Route, rule: RouteRule) =>
  rule.mirrors.flatMap(({ backend, fraction }) => {
    const resolved = resolveBackend(ctx, route, backend);
    if (!resolved.ok) return [];
    const numerator = Math.round(fraction * 1_000_000);
    const defaultValue = { numerator, denominator: FractionalPercent_DenominatorType.MILLION };
    return [{ cluster: resolved.cluster, runtimeFraction: { defaultValue } }];
  });

function rewrites({ rule, match }: RankedMatch): ActionInit {
  const { hostname, path } = rule.rewrite ?? {};
  const change = path ? pathChange(path, match.path) : { type: 'none' as const };
  return {
    ...(hostname === undefined ? {} : { hostRewriteSpecifier: { case: 'hostRewriteLiteral', value: hostname } }),
    ...(change.type === 'prefix' ? { prefixRewrite: change.value } : {}),
    ...(change.type === 'pattern'
      ? { regexRewrite: { pattern: { regex: change.regex }, substitution: change.substitution } }
      : {}),
  };
}

const REDIRECT_CODES: ReadonlyMap<number, RedirectAction_RedirectResponseCode> = new Map([
  [301, RedirectAction_RedirectResponseCode.MOVED_PERMANENTLY],
  [302, RedirectAction_RedirectResponseCode.FOUND],
  [303, RedirectAction_RedirectResponseCode.SEE_OTHER],
  [307, RedirectAction_RedirectResponseCode.TEMPORARY_REDIRECT],
  [308, RedirectAction_RedirectResponseCode.PERMANENT_REDIRECT],
]);

/** The answer of a rule that redirects; it needs no cluster. */
export function redirecting({ rule, match }: RankedMatch, redirect: Redirect): Outcome {
  const value: RedirectInit = {
    responseCode: REDIRECT_CODES.get(redirect.statusCode) ?? RedirectAction_RedirectResponseCode.FOUND,
    ...(redirect.hostname === undefined ? {} : { hostRedirect: redirect.hostname }),
    ...(redirect.port === undefined ? {} : { portRedirect: redirect.port }),
    ...(redirect.scheme === undefined
      ? {}
      : { schemeRewriteSpecifier: { case: 'schemeRedirect' as const, value: redirect.scheme } }),
    ...redirectPath(redirect, match.path),
  };
  return {
    init: { action: { case: 'redirect', value }, ...headerFields(undefined, rule.responseHeaders) },
    clusters: [],
  };
}

function redirectPath(
  redirect: Redirect,
  match: RankedMatch['match']['path'],
): Pick<RedirectInit, 'pathRewriteSpecifier'> {
  if (!redirect.path) return {};
  if (redirect.path.type === 'ReplaceFullPath') {
    return { pathRewriteSpecifier: { case: 'pathRedirect', value: redirect.path.value || '/' } };
  }
  const change = pathChange(redirect.path, match);
  if (change.type === 'none') return {};
  if (change.type === 'prefix') return { pathRewriteSpecifier: { case: 'prefixRewrite', value: change.value } };
  const value = { pattern: { regex: change.regex }, substitution: change.substitution };
  return { pathRewriteSpecifier: { case: 'regexRewrite', value } };
}
