import fc from 'fast-check';
import { few, maybe, of, record } from './draw.js';
import type { MatchInit } from './init.js';
import { matchedPath, PATH_REGEXES, separatedPrefix } from './paths.js';

const VALUE_REGEXES = ['a', 'a.*', '.*', '[ab]', 'a|b', '(?i)A', 'a,b', '^a', '.+', '\\d+', 'a ?b'];

type StringInit = Extract<
  NonNullable<Exclude<NonNullable<MatchInit['headers']>[number], { $typeName: string }>['headerMatchSpecifier']>,
  { case: 'stringMatch' }
>['value'];

export const VALUES = ['a', 'b', 'ab', 'A', 'a,b', 'a, b', 'a b', '1', '12'];
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

export const METHODS = ['GET', 'POST', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'];
const SAFE = { matchPattern: { case: 'safeRegex' as const, value: { regex: 'GET|HEAD|OPTIONS' } } };
const exact = (value: string) => ({ matchPattern: { case: 'exact' as const, value } });
const inherent = fc.oneof(
  of(...METHODS).map((method) => ({ name: ':method', string: exact(method) })),
  fc.constant({ name: ':method', string: SAFE }),
  of('http', 'https').map((scheme) => ({ name: ':scheme', string: exact(scheme) })),
  of('a', 'a:80', 'A', 'a.b').map((host) => ({ name: ':authority', string: exact(host) })),
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
export const match: fc.Arbitrary<MatchInit> = record({
  pathSpecifier,
  headers: few(header),
  queryParameters: few(parameter),
  insensitive: of(false, false, false, true),
}).map(({ insensitive, ...rest }) =>
  // Envoy refuses the option beside a regular expression.
  insensitive && rest.pathSpecifier.case !== 'safeRegex' ? { ...rest, caseSensitive: false } : rest,
);

/** Texts that the expressions for values match, more or less. */
export const MATCHING_VALUES = ['a', 'b', 'ab', 'a,b', '1', 'ab'];
