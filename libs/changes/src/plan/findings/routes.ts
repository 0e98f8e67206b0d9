/** Rules that never see a request, since others come first. */
import { type RankedMatch, trimSlash } from '#libs/compiler';
import { eachOf, pointer } from '#libs/kernel';
import {
  idOf,
  type NamedMatch,
  type PathMatch,
  printId,
  type ResourceId,
  type RouteMatch,
  resourceKey,
} from '#libs/model';
import { type Place, placesOf, routingNamespaces, uniqueIds } from './places.js';
import type { Check, FindingDraft } from './types.js';

/** Matches compared at most in one place: above, only the first ones are. */
const MAX_MATCHES = 2_000;

/** A match that some place has, with what stands before it there. */
interface Seen {
  readonly ranked: RankedMatch;
  /** Undefined in the places where requests reach it. */
  readonly shadow: RankedMatch | undefined;
}

export const shadowedRoutes: Check = function* (look) {
  const seen = new Map<string, Seen[]>();
  const callers = routingNamespaces(look);
  for (const key of look.destinations) {
    for (const place of placesOf(look.ctx, key, callers)) {
      yield* eachOf(shadowsIn(place), (one) => note(seen, one), 16);
    }
    yield;
  }
  const dead = [...seen.values()].filter((places) => places.every(({ shadow }) => shadow !== undefined));
  return [...dead.flatMap(neverMatches), ...withoutEffect(dead, seen)];
};

function note(seen: Map<string, Seen[]>, one: Seen): void {
  const key = matchKey(one.ranked);
  const known = seen.get(key);
  if (known) known.push(one);
  else seen.set(key, [one]);
}

const matchKey = ({ route, ruleIndex, matchIndex }: RankedMatch): string =>
  `${resourceKey(route)}|${ruleIndex}|${matchIndex}`;

function* shadowsIn({ matches }: Place): Iterable<Seen> {
  const some = matches.slice(0, MAX_MATCHES);
  for (const [i, ranked] of some.entries()) {
    yield { ranked, shadow: some.slice(0, i).find((earlier) => covers(earlier.match, ranked.match)) };
  }
}

function neverMatches(places: readonly Seen[]): readonly FindingDraft[] {
  const [first] = places;
  if (!first?.shadow) return [];
  const { route, ruleIndex, matchIndex, match } = first.ranked;
  const winner = first.shadow;
  const where = printId(winner.route) === printId(route) ? `rule ${winner.ruleIndex} of it` : printRule(winner);
  const message = `no request reaches ${printMatch(match)}: ${where} takes them all first`;
  const path = pointer('spec', 'rules', ruleIndex, ...(hasMatches(first.ranked) ? ['matches', matchIndex] : []));
  return [{ code: 'route-never-matches', resource: idOf(route), path, message, by: [idOf(winner.route)] }];
}

/** Whether the manifest may write its matches; one that has none has a default. */
const hasMatches = ({ rule, match }: RankedMatch): boolean => rule.matches.length > 1 || printMatch(match) !== '/*';

const printRule = ({ route, ruleIndex }: RankedMatch): string => `rule ${ruleIndex} of ${printId(route)}`;

/** A route all of whose matches are dead. */
function withoutEffect(
  dead: readonly (readonly Seen[])[],
  seen: ReadonlyMap<string, unknown>,
): readonly FindingDraft[] {
  const byRoute = new Map<string, { readonly id: ResourceId; count: number; readonly winners: ResourceId[] }>();
  for (const places of dead) {
    for (const { ranked, shadow } of places.slice(0, 1)) {
      const key = resourceKey(ranked.route);
      const known = byRoute.get(key) ?? { id: idOf(ranked.route), count: 0, winners: [] };
      known.count += 1;
      if (shadow) known.winners.push(idOf(shadow.route));
      byRoute.set(key, known);
    }
  }
  const all = [...seen.keys()].map((key) => key.split('|')[0]);
  return [...byRoute].flatMap(([key, { id, count, winners }]): FindingDraft[] => {
    if (all.filter((one) => one === key).length > count) return [];
    const by = uniqueIds(winners.filter((winner) => resourceKey(winner) !== key));
    if (by.length === 0) return [];
    const message = `has no effect: ${by.map(printId).join(', ')} ${by.length === 1 ? 'takes' : 'take'} all of its requests first, being older or more specific`;
    return [{ code: 'no-effect', resource: id, path: '', message, by }];
  });
}

/** Whether every request that the second matches, the first matches too. False when in doubt. */
export function covers(first: RouteMatch, second: RouteMatch): boolean {
  return (
    coversPath(first.path, second.path) &&
    (first.method === undefined || first.method === second.method) &&
    coversNamed(first.headers, second.headers) &&
    coversNamed(first.queryParams, second.queryParams)
  );
}

const coversNamed = (first: readonly NamedMatch[], second: readonly NamedMatch[]): boolean =>
  first.every((wide) =>
    second.some(
      (narrow) =>
        narrow.name === wide.name && narrow.match.type === wide.match.type && narrow.match.value === wide.match.value,
    ),
  );

/** Regular expressions that every path matches. */
const ANY_PATH: ReadonlySet<string> = new Set(['.*', '/.*', '^.*$', '^/.*$']);

function coversPath(wide: PathMatch, narrow: PathMatch): boolean {
  if (wide.type === narrow.type && wide.value === narrow.value) return true;
  switch (wide.type) {
    case 'Exact':
      return false;
    case 'RegularExpression':
      return ANY_PATH.has(wide.value);
    case 'PathPrefix': {
      const prefix = trimSlash(wide.value);
      if (prefix === '') return true;
      if (narrow.type === 'RegularExpression') return false;
      const value = narrow.type === 'PathPrefix' ? trimSlash(narrow.value) : narrow.value;
      return value === prefix || value.startsWith(`${prefix}/`);
    }
  }
}

function printMatch({ path, method, headers, queryParams }: RouteMatch): string {
  const text = path.type === 'PathPrefix' ? `${trimSlash(path.value)}/*` : path.value;
  const more = [...headers.map(({ name }) => `header ${name}`), ...queryParams.map(({ name }) => `query ${name}`)];
  return [
    ...(method === undefined ? [] : [method]),
    text,
    ...(more.length > 0 ? [`with ${more.join(', ')}`] : []),
  ].join(' ');
}
