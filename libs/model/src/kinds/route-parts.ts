/** What rules of HTTPRoute and GRPCRoute share: names, matches by header, backends, warnings. */
import { z } from 'zod';
import type { Violation } from '#libs/kernel';
import { isHostName } from '../address.js';
import type { Backend, NamedMatch, Route } from '../domain.js';
import { warning } from '../issues.js';
import { regexProblem } from '../regex.js';
import {
  controlProblem,
  dnsSubdomain,
  headerName,
  type IssueSink,
  namedOnce,
  quote,
  refuseDuplicates,
  report,
  strict,
  text,
} from '../schema-parts.js';
import { filterList, toEffect } from './route-filters.js';
import { backendObject, checkBackend, toBackendObject, weight } from './route-refs.js';

/** How a header or query parameter is compared. */
const matchType = () =>
  z
    .enum(['Exact', 'RegularExpression'])
    .default('Exact')
    .describe('Exact: the value is equal. RegularExpression: RE2 syntax, matches the whole value. Default: Exact.');

/** Reports a value that is no regular expression where one is meant. */
export function checkRegex(
  value: { readonly type: string; readonly value?: string | undefined },
  sink: IssueSink,
): void {
  if (value.type !== 'RegularExpression' || value.value === undefined) return;
  const problem = regexProblem(value.value);
  if (problem !== undefined) report(sink, 'invalid-regex', problem, ['value']);
}

const literal = (max: number) => text('invalid-value', controlProblem).min(1).max(max);

/** `headers` of a match. */
export const headerMatches = () =>
  z
    .array(
      strict({
        type: matchType(),
        name: headerName().describe('Name of the header, in any letter case.'),
        value: literal(4096).describe('Value or regular expression, 1 to 4096 characters (regular expressions: 1024).'),
      }).superRefine(checkRegex),
    )
    .max(16)
    .default([])
    .superRefine((list, sink) =>
      refuseDuplicates(
        sink,
        list.map(({ name }) => name.toLowerCase()),
        'the header',
        'name',
      ),
    )
    .describe('Headers that must all match, at most 16.');

/** `queryParams` of a match. */
export const queryMatches = () =>
  z
    .array(
      strict({
        type: matchType(),
        name: headerName().describe('Name of the query parameter, exactly.'),
        value: literal(1024).describe('Value or regular expression, 1 to 1024 characters.'),
      }).superRefine(checkRegex),
    )
    .max(16)
    .default([])
    .superRefine(namedOnce('the query parameter'))
    .describe('Query parameters that must all match, at most 16.');

interface WrittenMatch {
  readonly type: 'Exact' | 'RegularExpression';
  readonly name: string;
  readonly value: string;
}

/** Checked matches as the domain has them; header names in lower case. */
export const toNamed = (list: readonly WrittenMatch[], lower: boolean): readonly NamedMatch[] =>
  list.map(({ type, name, value }) => ({ name: lower ? name.toLowerCase() : name, match: { type, value } }));

/** `hostnames` of a route: names, or `*.` and a name. */
export const routeHostnames = () =>
  z
    .array(
      text('invalid-host', (value) =>
        isHostName(value.replace(/^\*\./, ''))
          ? undefined
          : 'must be a host name in lower case, or "*." and a host name; no port, no IP address',
      ),
    )
    .max(16)
    .default([])
    .describe('Host names of requests, for gateways. A route of a Service ignores them.');

/** `name` of a rule. */
export const ruleName = () =>
  dnsSubdomain()
    .optional()
    .describe('Name of the rule, a DNS subdomain, unique in the route. Default: its index from 0.');

/** Most matches in all rules of a route. */
const MAX_MATCHES = 128;

interface WrittenRule {
  readonly name?: string | undefined;
  readonly matches: readonly unknown[];
}

/** Rules about all rules of a route together. */
export function checkRules(rules: readonly WrittenRule[], sink: IssueSink): void {
  refuseDuplicates(sink, rules.map(nameOfRule), 'the rule name', 'name');
  const matches = rules.reduce((sum, rule) => sum + rule.matches.length, 0);
  if (matches > MAX_MATCHES)
    report(sink, 'too-many', `must have at most ${MAX_MATCHES} matches in all; it has ${matches}`);
}

/** A rule's own name or its index. */
export const nameOfRule = (rule: { readonly name?: string | undefined }, index: number): string =>
  rule.name ?? String(index);

/** `backendRefs` of a rule. */
export const backendRefs = (kind: 'HTTPRoute' | 'GRPCRoute') =>
  z
    .array(
      strict({ ...backendObject, weight: weight(), filters: filterList({ kind, on: 'backend' }) }).superRefine(
        checkBackend,
      ),
    )
    .max(16)
    .default([])
    .describe('Where requests go, at most 16 backends. None, and no redirect: requests are answered with 500.');

type WrittenBackend = z.infer<ReturnType<typeof backendRefs>>[number];

/** Checked backends as the domain has them. */
export const toBackends = (refs: readonly WrittenBackend[], namespace: string): readonly Backend[] =>
  refs.map((ref) => {
    const { requestHeaders, responseHeaders } = toEffect(ref.filters, namespace);
    return { ...toBackendObject(ref, namespace), weight: ref.weight, requestHeaders, responseHeaders };
  });

/** What is accepted in a route but probably not meant. */
export function routeWarnings(route: Pick<Route, 'parents' | 'hostnames' | 'rules'>): readonly Violation[] {
  const found: Violation[] = [];
  if (route.parents.length === 0)
    found.push(warning(['spec', 'parentRefs'], 'no-parent', 'is empty: the route applies to nothing'));
  if (route.hostnames.length > 0) {
    found.push(
      warning(
        ['spec', 'hostnames'],
        'no-effect',
        `has no effect on a route of a Service: ${quote(route.hostnames[0])} is not looked at`,
      ),
    );
  }
  for (const [index, rule] of route.rules.entries()) {
    const path = ['spec', 'rules', index, 'backendRefs'];
    if (rule.redirect) continue;
    if (rule.backends.length === 0)
      found.push(warning(path, 'no-backend', 'is empty: requests of this rule are answered with 500'));
    else if (rule.backends.every(({ weight: share }) => share === 0)) {
      found.push(warning(path, 'no-backend', 'has weight 0 throughout: requests of this rule are answered with 500'));
    }
  }
  return found;
}
