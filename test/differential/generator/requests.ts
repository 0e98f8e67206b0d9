import fc from 'fast-check';
import type { SampleRequest } from '#libs/changes';
import type { Table } from '../rig.js';
import { few, of, record } from './draw.js';
import { MATCHING_VALUES, METHODS, VALUES } from './matches.js';
import { MATCHING, matchedPath, path, query } from './paths.js';
import { AUTHORITIES } from './tables.js';

const sampleHeader = fc
  .tuple(of('x-a', 'x-b', 'x-c', 'accept', 'x_u'), of(...VALUES, '', 'a'))
  .map(([name, value]) => ({ name, value }));
const forwardedProto = of('http', 'https', 'ftp').map((value) => ({ name: 'x-forwarded-proto', value }));
export const request: fc.Arbitrary<SampleRequest> = record({
  method: fc.oneof({ weight: 3, arbitrary: fc.constant('GET') }, { weight: 2, arbitrary: of(...METHODS) }),
  scheme: of(undefined, undefined, undefined, 'http' as const, 'https' as const),
  authority: of(...AUTHORITIES),
  path: fc.oneof({ weight: 3, arbitrary: path }, { weight: 2, arbitrary: matchedPath }),
  query: fc.oneof(fc.constant(''), query),
  headers: few(fc.oneof({ weight: 8, arbitrary: sampleHeader }, { weight: 1, arbitrary: forwardedProto })),
}).map(({ query: end, ...rest }) => ({ ...rest, path: rest.path + end }));

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
export const aimed = (table: Table): fc.Arbitrary<SampleRequest> =>
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
