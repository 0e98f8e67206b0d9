import fc from 'fast-check';
import { MISSING_CLUSTER } from '../rig.js';
import { few, maybe, of, record } from './draw.js';
import type { ActionInit } from './init.js';
import { match } from './matches.js';

const option = fc
  .tuple(of('x-a', 'x-b', 'x-d'), of('v', 'w', '', '100%%', 'a b'), of(0, 2), fc.boolean())
  .map(([key, value, appendAction, keepEmptyValue]) => ({ header: { key, value }, appendAction, keepEmptyValue }));
export const headerFields = fc
  .tuple(few(option), few(of('x-a', 'x-b', 'X-C')), few(option), few(of('x-a')))
  .map(([requestHeadersToAdd, requestHeadersToRemove, responseHeadersToAdd, responseHeadersToRemove]) => ({
    requestHeadersToAdd,
    requestHeadersToRemove,
    responseHeadersToAdd,
    responseHeadersToRemove,
  }));

/** Also one that does not exist. */
const clusterName = fc.oneof(
  { weight: 8, arbitrary: of('c0', 'c1', 'c2', 'c3') },
  { weight: 1, arbitrary: of(MISSING_CLUSTER) },
);
const REWRITES = [
  { regex: '^/.*$', substitution: '/x' },
  { regex: '^/a/*', substitution: '/' },
  { regex: '^/([^/]*)', substitution: '/x-\\1-\\0' },
  { regex: 'a', substitution: '\\\\' },
  { regex: 'b*', substitution: '-' },
  { regex: 'b*', substitution: '/-' },
  { regex: '/(a)?', substitution: '/[\\1]' },
  { regex: 'a|b', substitution: '' },
].map(({ regex, substitution }) => ({ pattern: { regex }, substitution }));

const rewrite = fc.oneof(
  fc.constant({}),
  of('/x', '/', '/x/').map((prefixRewrite) => ({ prefixRewrite })),
  // What does not begin with a slash, the upstream would refuse.
  of(...REWRITES.filter(({ substitution }) => substitution !== '-')).map((regexRewrite) => ({ regexRewrite })),
);
const weighted = fc
  .array(fc.tuple(clusterName, of(0, 1, 1, 5), headerFields), { minLength: 1, maxLength: 3 })
  .filter((clusters) => clusters.some(([, weight]) => weight > 0))
  .map((clusters) => ({
    case: 'weightedClusters' as const,
    value: { clusters: clusters.map(([name, weight, headers]) => ({ name, weight, ...headers })) },
  }));
const forward: fc.Arbitrary<ActionInit> = record({
  clusterSpecifier: fc.oneof(
    clusterName.map((value) => ({ case: 'cluster' as const, value })),
    weighted,
  ),
  clusterNotFoundResponseCode: of(0, 1, 2),
  rewrite,
  host: maybe(of('h', 'h.x:8080')),
}).map(({ rewrite: change, host, ...rest }) => ({
  case: 'route' as const,
  value: {
    ...rest,
    ...change,
    ...(host === undefined ? {} : { hostRewriteSpecifier: { case: 'hostRewriteLiteral' as const, value: host } }),
  },
}));

const redirect: fc.Arbitrary<ActionInit> = record({
  scheme: fc.oneof(
    fc.constant(undefined),
    of('http', 'https').map((value) => ({ case: 'schemeRedirect' as const, value })),
    fc.constant({ case: 'httpsRedirect' as const, value: true }),
  ),
  hostRedirect: of('', '', 'h', 'h:1'),
  portRedirect: of(0, 0, 80, 443, 8080),
  path: fc.oneof(
    fc.constant(undefined),
    of('/x', '/x?y=1', '/').map((value) => ({ case: 'pathRedirect' as const, value })),
    of('/x', '/').map((value) => ({ case: 'prefixRewrite' as const, value })),
    of(...REWRITES).map((value) => ({ case: 'regexRewrite' as const, value })),
  ),
  responseCode: of(0, 1, 2, 3, 4),
  stripQuery: of(false, false, true),
}).map(({ scheme, path: change, ...rest }) => ({
  case: 'redirect' as const,
  value: {
    ...rest,
    ...(scheme ? { schemeRewriteSpecifier: scheme } : {}),
    ...(change ? { pathRewriteSpecifier: change } : {}),
  },
}));
const direct: fc.Arbitrary<ActionInit> = of(200, 204, 403, 500).map((status) => ({
  case: 'directResponse' as const,
  value: { status },
}));
const action = fc.oneof(
  { weight: 5, arbitrary: forward },
  { weight: 2, arbitrary: redirect },
  { weight: 1, arbitrary: direct },
);

export const noHeaders = fc.constant({});
export const route = fc
  .tuple(match, action, fc.oneof(noHeaders, headerFields))
  .map(([condition, what, headers]) => ({ match: condition, action: what, ...headers }));
