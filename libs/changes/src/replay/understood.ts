/** Which fields of Envoy's messages the evaluator understands. Whatever else is set is named, never guessed. */
import { type DescMessage, type MessageShape, type ReflectMessage, reflect } from '#libs/envoy-api';

const ROUTE = 'envoy.config.route.v3.';
const MANAGER = 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';

/** Header changes stand in five messages. */
const HEADERS = 'requestHeadersToAdd requestHeadersToRemove responseHeadersToAdd responseHeadersToRemove';

/**
 * Fields by message, those included that change nothing of what is evaluated. Messages that are not listed are taken
 * whole (durations, wrappers, retry back-offs).
 */
const FIELDS: Readonly<Record<string, string>> = {
  [MANAGER]: `codecType statPrefix rds routeConfig scopedRoutes httpFilters tracing commonHttpProtocolOptions
    httpProtocolOptions http2ProtocolOptions serverName serverHeaderTransformation maxRequestHeadersKb streamIdleTimeout
    requestTimeout requestHeadersTimeout drainTimeout delayedCloseTimeout accessLog accessLogOptions generateRequestId
    preserveExternalRequestId alwaysSetRequestIdInResponse forwardClientCertDetails setCurrentClientCertDetails
    upgradeConfigs normalizePath mergeSlashes pathWithEscapedSlashesAction localReplyConfig stripMatchingHostPort
    stripAnyHostPort stripTrailingHostDot`,
  [`${MANAGER.replace(/[^.]+$/, '')}ScopedRoutes`]: `name scopeKeyBuilder rdsConfigSource scopedRds
    scopedRouteConfigurationsList`,
  [`${MANAGER.replace(/[^.]+$/, '')}ScopedRoutes.ScopeKeyBuilder.FragmentBuilder`]: 'headerValueExtractor',
  'envoy.config.core.v3.HttpProtocolOptions': `idleTimeout maxConnectionDuration maxHeadersCount maxStreamDuration
    headersWithUnderscoresAction maxRequestsPerConnection`,
  [`${ROUTE}RouteConfiguration`]: `name virtualHosts validateClusters ignorePortInHostMatching
    mostSpecificHeaderMutationsWins maxDirectResponseBodySizeBytes typedPerFilterConfig metadata ${HEADERS}`,
  [`${ROUTE}VirtualHost`]: `name domains routes includeRequestAttemptCount includeAttemptCountInResponse
    typedPerFilterConfig metadata ${HEADERS}`,
  [`${ROUTE}Route`]: `name match route redirect directResponse typedPerFilterConfig statPrefix metadata decorator tracing
    ${HEADERS}`,
  [`${ROUTE}RouteMatch`]: 'prefix path safeRegex pathSeparatedPrefix caseSensitive headers queryParameters',
  [`${ROUTE}HeaderMatcher`]: 'name stringMatch presentMatch invertMatch treatMissingHeaderAsEmpty',
  [`${ROUTE}QueryParameterMatcher`]: 'name stringMatch presentMatch',
  'envoy.type.matcher.v3.StringMatcher': 'exact prefix suffix contains safeRegex ignoreCase',
  'envoy.type.matcher.v3.RegexMatcher': 'regex',
  [`${ROUTE}RouteAction`]: `cluster weightedClusters clusterNotFoundResponseCode prefixRewrite regexRewrite
    hostRewriteLiteral timeout idleTimeout retryPolicy requestMirrorPolicies rateLimits includeVhRateLimits hashPolicy
    upgradeConfigs maxStreamDuration`,
  [`${ROUTE}WeightedCluster`]: 'clusters',
  [`${ROUTE}WeightedCluster.ClusterWeight`]: `name weight typedPerFilterConfig ${HEADERS}`,
  [`${ROUTE}RouteAction.RequestMirrorPolicy`]: 'cluster runtimeFraction traceSampled',
  [`${ROUTE}RedirectAction`]: `httpsRedirect schemeRedirect hostRedirect portRedirect pathRedirect prefixRewrite
    regexRewrite responseCode stripQuery`,
  [`${ROUTE}DirectResponseAction`]: 'status body',
  'envoy.config.core.v3.HeaderValueOption': 'header appendAction keepEmptyValue',
  'envoy.config.core.v3.HeaderValue': 'key value',
};

const KNOWN: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries(FIELDS).map(([type, names]) => [type, new Set(names.trim().split(/\s+/))]),
);

/** Parts that are judged on their own, since only the one that takes the request matters. */
const APART: ReadonlySet<string> = new Set(['virtualHosts', 'routes', 'match']);

/** Messages do not change once they are read, and one is judged for every request that comes to it. */
const judged = new WeakMap<object, readonly string[]>();

/** Paths of the fields that the evaluator does not know, such as `route.clusterHeader`. Parts with parts of their own are left out. */
export function unknownFields<D extends DescMessage>(schema: D, message: MessageShape<D>): readonly string[] {
  const held = judged.get(message);
  if (held) return held;
  const found = unknownIn(reflect(schema, message), '');
  judged.set(message, found);
  return found;
}

function unknownIn(message: ReflectMessage, at: string): readonly string[] {
  const known = KNOWN.get(message.desc.typeName);
  if (!known) return [];
  const found: string[] = message.getUnknown()?.length ? [`${at}(unknown field)`] : [];
  for (const field of message.fields) {
    if (!message.isSet(field)) continue;
    const path = `${at}${field.localName}`;
    if (!known.has(field.localName)) found.push(path);
    else if (APART.has(field.localName)) continue;
    else if (field.fieldKind === 'message') found.push(...unknownIn(message.get(field), `${path}.`));
    else if (field.fieldKind === 'list' && field.listKind === 'message') {
      let index = 0;
      for (const item of message.get(field)) found.push(...unknownIn(item as ReflectMessage, `${path}[${index++}].`));
    }
  }
  return found;
}
