/** Route matches in Envoy's terms, and their order. Envoy takes the first that matches, so order is precedence. */
import type { HeaderMatcherSchema, QueryParameterMatcherSchema, RouteMatchSchema } from '#libs/envoy-api';
import { compareCodeUnits } from '#libs/kernel';
import type { NamedMatch, PathMatch, Route, RouteMatch, RouteRule, StringMatch } from '#libs/model';
import type { Init } from './init-message.js';

export type MatchInit = Init<typeof RouteMatchSchema>;
type HeaderInit = Init<typeof HeaderMatcherSchema>;
type QueryInit = Init<typeof QueryParameterMatcherSchema>;

/** One match with the rule it belongs to. */
export interface RankedMatch {
  readonly route: Route;
  readonly rule: RouteRule;
  readonly match: RouteMatch;
  /** Positions in their lists: the last tie-breaks. */
  readonly ruleIndex: number;
  readonly matchIndex: number;
}

const PATH_RANK: Record<PathMatch['type'], number> = { Exact: 0, RegularExpression: 1, PathPrefix: 2 };

/** `/a/` and `/a` are the same prefix; the root is the empty one. */
export const trimSlash = (path: string): string => path.replace(/\/+$/, '');

const pathLength = (path: PathMatch): number =>
  path.type === 'PathPrefix' ? trimSlash(path.value).length : path.value.length;

/**
 * Gateway API precedence: an exact path, then a regular expression (whose place the API leaves open), then the longest
 * prefix; a method; more headers; more query parameters. Ties: the older route, then its name, then the order of rules
 * and of matches.
 */
function compareMatches(a: RankedMatch, b: RankedMatch): number {
  return (
    PATH_RANK[a.match.path.type] - PATH_RANK[b.match.path.type] ||
    pathLength(b.match.path) - pathLength(a.match.path) ||
    Number(b.match.method !== undefined) - Number(a.match.method !== undefined) ||
    b.match.headers.length - a.match.headers.length ||
    b.match.queryParams.length - a.match.queryParams.length ||
    compareRoutes(a.route, b.route) ||
    a.ruleIndex - b.ruleIndex ||
    a.matchIndex - b.matchIndex
  );
}

const compareRoutes = (a: Route, b: Route): number =>
  a.source.createdRevision - b.source.createdRevision ||
  compareCodeUnits(a.namespace, b.namespace) ||
  compareCodeUnits(a.name, b.name) ||
  compareCodeUnits(a.kind, b.kind);

/** Every match of the routes, in the order in which Envoy is to try them. */
export function rankedMatches(routes: readonly Route[]): readonly RankedMatch[] {
  const matches = routes.flatMap((route) =>
    route.rules.flatMap((rule, ruleIndex) =>
      rule.matches.map((match, matchIndex) => ({ route, rule, match, ruleIndex, matchIndex })),
    ),
  );
  return matches.sort(compareMatches);
}

const stringMatch = (match: StringMatch) => ({
  matchPattern:
    match.type === 'Exact'
      ? { case: 'exact' as const, value: match.value }
      : { case: 'safeRegex' as const, value: { regex: match.value } },
});

const headerMatch = ({ name, match }: NamedMatch): HeaderInit => ({
  name,
  headerMatchSpecifier: { case: 'stringMatch', value: stringMatch(match) },
});

const queryMatch = ({ name, match }: NamedMatch): QueryInit => ({
  name,
  queryParameterMatchSpecifier: { case: 'stringMatch', value: stringMatch(match) },
});

function pathMatch(path: PathMatch): NonNullable<MatchInit['pathSpecifier']> {
  switch (path.type) {
    case 'Exact':
      return { case: 'path', value: path.value };
    case 'RegularExpression':
      return { case: 'safeRegex', value: { regex: path.value } };
    case 'PathPrefix': {
      const prefix = trimSlash(path.value);
      return prefix === '' ? { case: 'prefix', value: '/' } : { case: 'pathSeparatedPrefix', value: prefix };
    }
  }
}

export const methodHeader = (method: string): HeaderInit =>
  headerMatch({ name: ':method', match: { type: 'Exact', value: method } });

export const envoyMatch = (match: RouteMatch): MatchInit => ({
  pathSpecifier: pathMatch(match.path),
  headers: [...(match.method === undefined ? [] : [methodHeader(match.method)]), ...match.headers.map(headerMatch)],
  queryParameters: match.queryParams.map(queryMatch),
});

/** Methods that may be sent again though the first try may have been carried out: they change nothing. */
const SAFE_METHODS = ['GET', 'HEAD', 'OPTIONS'];

export const isSafe = (method: string): boolean => SAFE_METHODS.includes(method);

/** The part of a match that has a safe method. */
export const safePart = (match: MatchInit): MatchInit => ({
  ...match,
  headers: [
    ...(match.headers ?? []),
    headerMatch({ name: ':method', match: { type: 'RegularExpression', value: SAFE_METHODS.join('|') } }),
  ],
});
