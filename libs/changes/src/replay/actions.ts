/** What becomes of a request that a route took. */
import {
  FractionalPercent_DenominatorType as Denominator,
  type Duration,
  RouteAction_ClusterNotFoundResponseCode as MissingCode,
  type RedirectAction,
  RedirectAction_RedirectResponseCode as RedirectCode,
  type RetryPolicy,
  type Route,
  type RouteAction,
  type RouteConfiguration,
  type RouteMatch,
  type VirtualHost,
} from '#libs/envoy-api';
import { type ChangesHeaders, conditionalChanges, stepsOf } from './header-steps.js';
import type { ReceivedRequest } from './manager.js';
import { changePath, pathOnly } from './paths.js';
import { globalReplace } from './regex.js';
import type { ClusterShare, Forwarded, HeaderSteps, RetrySummary, Verdict } from './types.js';

/** Where a route stands. */
export interface Place {
  readonly table: RouteConfiguration;
  readonly virtualHost: VirtualHost;
  readonly route: Route;
}

export function verdictOf(place: Place, request: ReceivedRequest): Verdict {
  const { table, virtualHost, route } = place;
  const specificFirst: readonly ChangesHeaders[] = [route, virtualHost, table];
  const levels = table.mostSpecificHeaderMutationsWins ? specificFirst.toReversed() : specificFirst;
  const conditional = conditionalChanges([...levels, ...weightedClusters(route)]);
  if (conditional.length > 0)
    return { type: 'unsupported', fields: conditional.map((change) => `change of header ${change}`) };
  const headers = stepsOf(levels);
  const { action } = route;
  switch (action.case) {
    case 'route':
      return forwarded(action.value, place, request, headers);
    case 'redirect':
      return {
        type: 'redirected',
        status: REDIRECTS[action.value.responseCode],
        location: location(action.value, route.match, request),
        headers: { request: [], response: headers.response },
      };
    case 'directResponse':
      if (MAY_HAVE_LOCATION.test(String(action.value.status)))
        return { type: 'unsupported', fields: ['directResponse.status (Envoy adds a location)'] };
      return { type: 'answered', status: action.value.status, headers: { request: [], response: headers.response } };
    default:
      return { type: 'unsupported', fields: [`route.${action.case ?? 'action'}`] };
  }
}

/** Envoy makes up a `location` for direct responses with these. */
const MAY_HAVE_LOCATION = /^(201|3..)$/;

const weightedClusters = ({ action }: Route) =>
  action.case === 'route' && action.value.clusterSpecifier.case === 'weightedClusters'
    ? action.value.clusterSpecifier.value.clusters
    : [];

const MISSING: Readonly<Record<MissingCode, number>> = {
  [MissingCode.SERVICE_UNAVAILABLE]: 503,
  [MissingCode.NOT_FOUND]: 404,
  [MissingCode.INTERNAL_SERVER_ERROR]: 500,
};

function forwarded(action: RouteAction, place: Place, request: ReceivedRequest, headers: HeaderSteps): Verdict {
  const clusters = clustersOf(action, place);
  if (!clusters)
    return { type: 'unsupported', fields: [`route.${action.clusterSpecifier.case ?? 'clusterSpecifier'}`] };
  const host = action.hostRewriteSpecifier;
  return {
    type: 'forwarded',
    clusters,
    missingClusterStatus: MISSING[action.clusterNotFoundResponseCode],
    path: rewrittenPath(action, place.route.match, request.path),
    authority: host.case === 'hostRewriteLiteral' && host.value !== '' ? host.value : request.authority,
    headers,
    timeoutMs: milliseconds(action.timeout) ?? DEFAULT_TIMEOUT_MS,
    retry: action.retryPolicy && retrySummary(action.retryPolicy),
    mirrors: mirrorsOf(action),
  };
}

/** Envoy's, for routes that say nothing. */
const DEFAULT_TIMEOUT_MS = 15_000;

const milliseconds = (duration: Duration | undefined): number | undefined =>
  duration && Number(duration.seconds) * 1000 + duration.nanos / 1e6;

const NO_STEPS: HeaderSteps = { request: [], response: [] };

function clustersOf({ clusterSpecifier }: RouteAction, { table }: Place): readonly ClusterShare[] | undefined {
  if (clusterSpecifier.case === 'cluster') {
    return [{ cluster: clusterSpecifier.value, weight: 1, share: 1, headers: NO_STEPS }];
  }
  if (clusterSpecifier.case !== 'weightedClusters' || table.mostSpecificHeaderMutationsWins) return undefined;
  const { clusters } = clusterSpecifier.value;
  const sum = clusters.reduce((total, { weight = 0 }) => total + weight, 0);
  return clusters.map((cluster) => ({
    cluster: cluster.name,
    weight: cluster.weight ?? 0,
    share: sum === 0 ? 0 : (cluster.weight ?? 0) / sum,
    headers: stepsOf([cluster]),
  }));
}

const retrySummary = (policy: RetryPolicy): RetrySummary => ({
  on: policy.retryOn.split(',').filter((word) => word !== ''),
  codes: policy.retriableStatusCodes,
  retries: policy.numRetries ?? 1,
  perTryTimeoutMs: milliseconds(policy.perTryTimeout) ?? 0,
});

const DENOMINATORS: Readonly<Record<Denominator, number>> = {
  [Denominator.HUNDRED]: 100,
  [Denominator.TEN_THOUSAND]: 10_000,
  [Denominator.MILLION]: 1_000_000,
};

const mirrorsOf = ({ requestMirrorPolicies }: RouteAction): Forwarded['mirrors'] =>
  requestMirrorPolicies.map(({ cluster, runtimeFraction }) => {
    const fraction = runtimeFraction?.defaultValue;
    return { cluster, share: fraction ? Math.min(1, fraction.numerator / DENOMINATORS[fraction.denominator]) : 1 };
  });

interface PathRewrites {
  readonly prefixRewrite?: string;
  readonly regexRewrite?: RouteAction['regexRewrite'];
}

/** The query stays as it is. */
function rewrittenPath(rewrites: PathRewrites, match: RouteMatch | undefined, path: string): string {
  const { prefixRewrite, regexRewrite } = rewrites;
  if (prefixRewrite) return prefixRewrite + path.slice(matchedLength(match, path));
  if (!regexRewrite?.pattern) return path;
  const { pattern, substitution } = regexRewrite;
  return changePath(path, (bare) => globalReplace(pattern.regex, bare, substitution));
}

/** Characters of the path that the match stands for; an exact path and a regular expression stand for all of it. */
function matchedLength(match: RouteMatch | undefined, path: string): number {
  const specifier = match?.pathSpecifier;
  const prefixed = specifier?.case === 'prefix' || specifier?.case === 'pathSeparatedPrefix';
  return prefixed ? specifier.value.length : pathOnly(path).length;
}

const REDIRECTS: Readonly<Record<RedirectCode, number>> = {
  [RedirectCode.MOVED_PERMANENTLY]: 301,
  [RedirectCode.FOUND]: 302,
  [RedirectCode.SEE_OTHER]: 303,
  [RedirectCode.TEMPORARY_REDIRECT]: 307,
  [RedirectCode.PERMANENT_REDIRECT]: 308,
};

function location(redirect: RedirectAction, match: RouteMatch | undefined, request: ReceivedRequest): string {
  const scheme = redirectScheme(redirect, request);
  const port = redirect.portRedirect === 0 ? '' : `:${redirect.portRedirect}`;
  const host = redirect.hostRedirect || hostWithoutOldPort(request, scheme, port);
  return `${scheme}://${host}${port}${redirectPath(redirect, match, request.path)}`;
}

function redirectScheme({ schemeRewriteSpecifier: specifier }: RedirectAction, request: ReceivedRequest): string {
  if (specifier.case === 'schemeRedirect' && specifier.value !== '') return specifier.value;
  return specifier.case === 'httpsRedirect' && specifier.value ? 'https' : request.scheme;
}

/** A new port drops the old one; a new scheme drops the port that was the old scheme's own. */
function hostWithoutOldPort({ authority, forwardedProto }: ReceivedRequest, scheme: string, newPort: string): string {
  const at = authority.startsWith('[') ? authority.lastIndexOf(']:') + 1 : authority.lastIndexOf(':');
  if (at <= 0) return authority;
  const oldPort = authority.slice(at);
  const ownPort = { https: ':443', http: ':80' }[forwardedProto];
  const drops = newPort !== '' || (scheme !== forwardedProto && oldPort === ownPort);
  return drops ? authority.slice(0, at) : authority;
}

/** A query of `path_redirect` replaces the request's and is never stripped. */
function redirectPath(redirect: RedirectAction, match: RouteMatch | undefined, path: string): string {
  const { pathRewriteSpecifier: specifier, stripQuery } = redirect;
  const query = stripQuery ? '' : path.slice(pathOnly(path).length);
  if (specifier.case === 'pathRedirect' && specifier.value.includes('?')) return specifier.value;
  const bare = redirectBarePath(specifier, match, pathOnly(path));
  return (bare.startsWith('/') ? '' : '/') + bare + query;
}

function redirectBarePath(
  specifier: RedirectAction['pathRewriteSpecifier'],
  match: RouteMatch | undefined,
  path: string,
): string {
  switch (specifier.case) {
    case 'pathRedirect':
      return specifier.value || path;
    case 'prefixRewrite':
      return rewrittenPath({ prefixRewrite: specifier.value }, match, path);
    case 'regexRewrite':
      return rewrittenPath({ regexRewrite: specifier.value }, match, path);
    default:
      return path;
  }
}
