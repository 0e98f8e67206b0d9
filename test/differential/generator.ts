/** Random route tables and requests from small alphabets, so that they collide and meet edge cases. */
import fc from 'fast-check';
import type { SampleRequest } from '#libs/changes';
import { create, type MessageInitShape, RouteConfigurationSchema, type RouteSchema } from '#libs/envoy-api';
import type { ManagerName } from './managers.js';
import { MISSING_CLUSTER, type Table } from './rig.js';

export interface Case {
  readonly manager: ManagerName;
  readonly table: Table;
  readonly requests: readonly SampleRequest[];
}

type RouteInit = Extract<MessageInitShape<typeof RouteSchema>, { $typeName?: never }>;
type ActionInit = NonNullable<RouteInit['action']>;
type MatchInit = Exclude<NonNullable<RouteInit['match']>, { $typeName: string }>;

const of = <T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
/** protobuf-es takes no objects without a prototype, which fast-check makes now and then. */
const record = <T>(model: { readonly [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record<T>(model, { noNullPrototype: true });
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined, freq: 2 });

// Paths.
const SEGMENTS = ['a', 'A', 'b', 'ab', 'a.b', 'a-b', 'c'];
const ODD_SEGMENTS = [
  '',
  '.',
  '..',
  '%2e',
  '%2E%2e',
  'a%2Fb',
  'a%5cb',
  '%41',
  '%61b',
  'a%20b',
  '%7e~',
  'a;b=c',
  'a:b',
  'a\\b',
  'a^b',
  "a'b|{}",
  '%zz',
  '%',
  '<a>"',
  '...',
  '.a',
  'a%3fb',
  'a%23b',
  '%00',
];
const segment = fc.oneof({ weight: 3, arbitrary: of(...SEGMENTS) }, { weight: 1, arbitrary: of(...ODD_SEGMENTS) });
const plainSegment = fc.oneof(
  { weight: 12, arbitrary: of(...SEGMENTS) },
  { weight: 1, arbitrary: of('a%2Fb', '%41', 'a;b=c', 'a:b') },
);
const slashed = (segments: readonly string[], end: string): string => `/${segments.join('/')}${end}`;
const path = fc
  .tuple(fc.array(segment, { minLength: 0, maxLength: 4 }), of('', '', '', '/', '//'))
  .map(([segments, end]) => slashed(segments, end));
const matchedPath = fc
  .tuple(fc.array(plainSegment, { minLength: 0, maxLength: 3 }), of('', '', '/'))
  .map(([segments, end]) => slashed(segments, end));
const separatedPrefix = fc.array(plainSegment, { minLength: 1, maxLength: 3 }).map((segments) => slashed(segments, ''));
const query = fc
  .array(of('a', 'a=', 'a=1', 'a=2', 'b=1', 'b', 'A=1', '', '=1', 'a=1=2', 'a=a%20b', 'b=?', 'c=/..//x', 'a%3D1'), {
    minLength: 0,
    maxLength: 3,
  })
  .map((parts) => `?${parts.join('&')}`);

const PATH_REGEXES = [
  '/a',
  '/a.*',
  '/(a|ab)',
  '/a/?',
  '.*b',
  '/[ab]+',
  '^/a$',
  '/a\\.b',
  '(?i)/a/.*',
  '/a|/b',
  '/.*/',
  '/[^/]+/[^/]+',
  '/(?P<x>a|b)(/.*)?',
  '.',
  '/\\w*',
  '/a{1,2}b?',
];
const VALUE_REGEXES = ['a', 'a.*', '.*', '[ab]', 'a|b', '(?i)A', 'a,b', '^a', '.+', '\\d+', 'a ?b'];

type StringInit = Extract<
  NonNullable<Exclude<NonNullable<MatchInit['headers']>[number], { $typeName: string }>['headerMatchSpecifier']>,
  { case: 'stringMatch' }
>['value'];

const VALUES = ['a', 'b', 'ab', 'A', 'a,b', 'a, b', 'a b', '1', '12'];
const stringMatch: fc.Arbitrary<StringInit> = fc.oneof(
  record({ case: of('exact' as const), value: of(...VALUES, '') }).map(plain),
  record({ case: of('prefix' as const, 'suffix' as const, 'contains' as const), value: of(...VALUES) }).map(plain),
  of(...VALUE_REGEXES).map((regex) => ({ matchPattern: { case: 'safeRegex' as const, value: { regex } } })),
  record({
    case: of('exact' as const, 'prefix' as const, 'suffix' as const, 'contains' as const),
    value: of(...VALUES),
  }).map((pattern) => ({ ...plain(pattern), ignoreCase: true })),
);

function plain(pattern: { readonly case: 'exact' | 'prefix' | 'suffix' | 'contains'; readonly value: string }) {
  return { matchPattern: pattern };
}

const METHODS = ['GET', 'POST', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'];
const SAFE = { matchPattern: { case: 'safeRegex' as const, value: { regex: 'GET|HEAD|OPTIONS' } } };
const exact = (value: string) => ({ matchPattern: { case: 'exact' as const, value } });
const inherent = fc.oneof(
  of(...METHODS).map((method) => ({ name: ':method', string: exact(method) })),
  fc.constant({ name: ':method', string: SAFE }),
  of('http', 'https').map((scheme) => ({ name: ':scheme', string: exact(scheme) })),
  of('a', 'a:80', 'A', 'a.b')
    .map((host) => ({ name: of(':authority', 'host'), string: exact(host) }))
    .map(({ string }) => ({
      name: ':authority',
      string,
    })),
  of('a', 'a.b').map((host) => ({ name: 'host', string: exact(host) })),
  of('/a', '/a?a=1').map((value) => ({ name: ':path', string: exact(value) })),
);
const HEADER_NAMES = ['x-a', 'x-b', 'X-C', 'accept', 'x_u'];
const headerMatch = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(of(...HEADER_NAMES), stringMatch).map(([name, string]) => ({ name, string })) },
  { weight: 2, arbitrary: inherent },
);
const header = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(headerMatch, of(false, false, true), of(false, false, true))
      .map(([match, invert, missing]) => ({
        name: match.name,
        headerMatchSpecifier: { case: 'stringMatch' as const, value: match.string },
        invertMatch: invert,
        treatMissingHeaderAsEmpty: missing,
      })),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(of(...HEADER_NAMES), fc.boolean(), fc.boolean(), of(false, false, true))
      .map(([name, present, invertMatch, treatMissingHeaderAsEmpty]) => ({
        name,
        headerMatchSpecifier: { case: 'presentMatch' as const, value: present },
        invertMatch,
        treatMissingHeaderAsEmpty,
      })),
  },
);
const parameter = fc.tuple(of('a', 'b', 'A'), maybe(stringMatch)).map(([name, string]) => ({
  name,
  queryParameterMatchSpecifier: string
    ? { case: 'stringMatch' as const, value: string }
    : { case: 'presentMatch' as const, value: true },
}));

const pathSpecifier: fc.Arbitrary<NonNullable<MatchInit['pathSpecifier']>> = fc.oneof(
  matchedPath.map((value) => ({ case: 'prefix' as const, value })),
  matchedPath.map((value) => ({ case: 'path' as const, value })),
  separatedPrefix.map((value) => ({ case: 'pathSeparatedPrefix' as const, value })),
  of(...PATH_REGEXES).map((regex) => ({ case: 'safeRegex' as const, value: { regex } })),
);
const few = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant([] as T[]) },
    { weight: 2, arbitrary: fc.array(arbitrary, { minLength: 1, maxLength: 2 }) },
  );
const match: fc.Arbitrary<MatchInit> = record({
  pathSpecifier,
  headers: few(header),
  queryParameters: few(parameter),
  insensitive: of(false, false, false, true),
}).map(({ insensitive, ...rest }) =>
  // Envoy refuses the option beside a regular expression.
  insensitive && rest.pathSpecifier.case !== 'safeRegex' ? { ...rest, caseSensitive: false } : rest,
);

const option = fc
  .tuple(of('x-a', 'x-b', 'x-d'), of('v', 'w', '', '100%%', 'a b'), of(0, 2), fc.boolean())
  .map(([key, value, appendAction, keepEmptyValue]) => ({ header: { key, value }, appendAction, keepEmptyValue }));
const headerFields = fc
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

const noHeaders = fc.constant({});
const route = fc
  .tuple(match, action, fc.oneof(noHeaders, headerFields))
  .map(([condition, what, headers]) => ({ match: condition, action: what, ...headers }));

// Hosts.
const DOMAINS = [
  'a',
  'b',
  'ab',
  'a.b',
  'A.B',
  'a:80',
  'a:8080',
  'a.b:80',
  '*',
  '*',
  '*.b',
  '*-b',
  '*b',
  'a.*',
  'a*',
  'a-b',
  'x.a.b',
  '*.a.b',
  'a:*',
  '[::1]',
  '[::1]:80',
  '*:80',
  'A',
  'a.',
  'x-b',
  'X-B',
]; // prettier-ignore
const AUTHORITIES = [
  'a',
  'a',
  'a',
  'A',
  'b',
  'ab',
  'a.b',
  'A.B',
  'a:80',
  'a:8080',
  'a:443',
  'A:80',
  'a.b:80',
  'x.a.b',
  'x-b',
  '-b',
  '.b',
  'a-b',
  'a.b.',
  'a.b.:80',
  'a.',
  '[::1]',
  '[::1]:80',
  '[::1]:8080',
  'localhost',
  'ab:80',
  'a:080',
]; // prettier-ignore

/** A domain stands once in a table, in whatever letter case. */
function distinct(lists: readonly (readonly string[])[]): readonly (readonly string[])[] {
  const seen = new Set<string>();
  return lists.map((list) =>
    list.filter((domain) => {
      const key = domain.toLowerCase();
      return !seen.has(key) && seen.add(key);
    }),
  );
}

const virtualHost = fc.tuple(
  fc.array(of(...DOMAINS), { minLength: 1, maxLength: 4 }),
  fc.array(route, { minLength: 1, maxLength: 5 }),
  fc.oneof({ weight: 3, arbitrary: noHeaders }, { weight: 1, arbitrary: headerFields }),
);
const table: fc.Arbitrary<Table> = fc
  .tuple(
    fc.array(virtualHost, { minLength: 1, maxLength: 3 }),
    fc.oneof({ weight: 4, arbitrary: noHeaders }, { weight: 1, arbitrary: headerFields }),
    of(false, false, false, true),
  )
  .map(([hosts, headers, ignorePortInHostMatching]) => {
    const domains = distinct(hosts.map(([list]) => list));
    const virtualHosts = hosts.flatMap(([, routes, own], i) => {
      const list = [...(domains[i] ?? [])];
      // Route names tell the virtual host, which Envoy does not report.
      const named = routes.map((each, n) => ({ ...each, name: `h${i}r${n}` }));
      return list.length > 0 ? [{ name: `h${i}`, domains: list, routes: named, ...own }] : [];
    });
    return create(RouteConfigurationSchema, {
      name: 'table',
      virtualHosts,
      ignorePortInHostMatching,
      ...headers,
    });
  });

const sampleHeader = fc
  .tuple(of('x-a', 'x-b', 'x-c', 'accept', 'x_u'), of(...VALUES, '', 'a'))
  .map(([name, value]) => ({ name, value }));
const forwardedProto = of('http', 'https', 'ftp').map((value) => ({ name: 'x-forwarded-proto', value }));
const request: fc.Arbitrary<SampleRequest> = record({
  method: fc.oneof({ weight: 3, arbitrary: fc.constant('GET') }, { weight: 2, arbitrary: of(...METHODS) }),
  scheme: of(undefined, undefined, undefined, 'http' as const, 'https' as const),
  authority: of(...AUTHORITIES),
  path: fc.oneof({ weight: 3, arbitrary: path }, { weight: 2, arbitrary: matchedPath }),
  query: fc.oneof(fc.constant(''), query),
  headers: few(fc.oneof({ weight: 8, arbitrary: sampleHeader }, { weight: 1, arbitrary: forwardedProto })),
}).map(({ query: end, ...rest }) => ({ ...rest, path: rest.path + end }));

/** Texts that the regular expressions above match, more or less. */
const MATCHING = ['/a', '/ab', '/a/', '/a/x', '/a/b', '/A/b', '/b', '/a.b', '/aab', '/bab', '/.'];
const MATCHING_VALUES = ['a', 'b', 'ab', 'a,b', '1', 'ab'];

type Pattern = Table['virtualHosts'][number]['routes'][number]['match'];

function aimedPath(pathSpecifier: NonNullable<Pattern>['pathSpecifier'], choice: string, tail: string): string {
  return pathSpecifier.case === 'safeRegex' || typeof pathSpecifier.value !== 'string'
    ? choice
    : pathSpecifier.value + tail;
}

function aimedValue(
  matcher: NonNullable<Pattern>['headers'][number] | NonNullable<Pattern>['queryParameters'][number],
  otherwise: string,
): string {
  const specifier =
    'headerMatchSpecifier' in matcher ? matcher.headerMatchSpecifier : matcher.queryParameterMatchSpecifier;
  if (specifier.case !== 'stringMatch') return otherwise;
  const { matchPattern } = specifier.value;
  return typeof matchPattern.value === 'string' ? matchPattern.value : otherwise;
}

/** A request that is likely to reach a certain route: its host, path, headers and query, now and then one of them wrong. */
const aimed = (table: Table): fc.Arbitrary<SampleRequest> =>
  record({
    random: request,
    host: fc.nat(),
    route: fc.nat(),
    keeps: record({
      host: of(false, false, false, true),
      path: of(false, false, false, true),
      method: fc.boolean(),
      query: of(false, false, false, true),
    }),
    path: of(...MATCHING),
    tail: of('', '', '', '/', '/b', 'b', '//', '/../a', '/a/./b'),
    value: of(...MATCHING_VALUES),
    headers: of(0, 0, 0, 1, 2),
    twice: of(false, false, false, false, true),
  }).map(({ random, host, route: at, keeps, path: choice, tail, value, headers: dropped, twice }) => {
    const virtualHost = table.virtualHosts[host % table.virtualHosts.length];
    const match = virtualHost?.routes[at % virtualHost.routes.length]?.match;
    if (!virtualHost || !match) return random;
    const domain = (virtualHost.domains[host % virtualHost.domains.length] ?? 'a')
      .replace('*', 'xa')
      .replace(':xa', ':80');
    const inherentOnes = new Map(
      match.headers.filter(({ name }) => name.startsWith(':')).map((m) => [m.name, aimedValue(m, 'GET')]),
    );
    const method = inherentOnes.get(':method');
    const own = match.headers
      .filter(
        ({ name, headerMatchSpecifier: { case: type } }) =>
          !name.startsWith(':') && name !== 'host' && type !== undefined,
      )
      .map((matcher) => ({ name: matcher.name.toLowerCase(), value: aimedValue(matcher, value) }));
    const asked = match.queryParameters.map((matcher) => `${matcher.name}=${aimedValue(matcher, value)}`).join('&');
    const bare = keeps.path ? random.path.replace(/\?.*/, '') : aimedPath(match.pathSpecifier, choice, tail);
    const end = keeps.query || asked === '' ? random.path.replace(/^[^?]*/, '') : `?${asked}`;
    return {
      method: keeps.method || method === undefined ? random.method : method,
      scheme: random.scheme,
      authority: keeps.host ? random.authority : (inherentOnes.get(':authority') ?? domain),
      path: bare + end.replaceAll(' ', '%20'),
      headers: [...own.slice(dropped), ...(twice ? own : []), ...random.headers.slice(0, dropped + 1)],
    };
  });

const randomCase: fc.Arbitrary<Case> = fc
  .tuple(of('outbound' as const, 'outbound' as const, 'inbound' as const, 'stripping' as const), table)
  .chain(([manager, made]) =>
    record<Case>({
      manager: fc.constant(manager),
      table: fc.constant(made),
      requests: fc.tuple(aimed(made), aimed(made), fc.oneof(request, aimed(made))),
    }),
  );

/** The same cases for the same seed and count. */
export const randomCases = (seed: number, count: number): readonly Case[] =>
  fc.sample(randomCase, { seed, numRuns: count });
