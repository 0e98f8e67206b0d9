import { z } from 'zod';
import { defineKind, readBy } from '../define-kind.js';
import type { Route, RouteMatch, RouteRule } from '../domain.js';
import { durationToMs, parseDuration } from '../duration-text.js';
import {
  controlProblem,
  duration,
  type IssueSink,
  notYet,
  pathProblem,
  report,
  strict,
  text,
} from '../schema-parts.js';
import { filterList, replacesPrefix, toEffect } from './route-filters.js';
import {
  backendRefs,
  checkRegex,
  checkRules,
  headerMatches,
  nameOfRule,
  queryMatches,
  routeHostnames,
  routeWarnings,
  ruleName,
  toBackends,
  toNamed,
} from './route-parts.js';
import { GATEWAY_V1, parentRefs, toParents } from './route-refs.js';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'] as const;

const pathMatch = strict({
  type: z
    .enum(['Exact', 'PathPrefix', 'RegularExpression'])
    .default('PathPrefix')
    .describe(
      'Exact: the path is equal. PathPrefix: it begins with these path elements. RegularExpression: RE2 syntax, matches the whole path. Default: PathPrefix.',
    ),
  value: text('invalid-path', controlProblem)
    .min(1)
    .max(1024)
    .default('/')
    .describe('The path or regular expression, at most 1024 characters. Default: "/".'),
}).superRefine((path, sink) => {
  checkRegex(path, sink);
  const problem = path.type === 'RegularExpression' ? undefined : pathProblem(path.value);
  if (problem !== undefined) report(sink, 'invalid-path', problem, ['value']);
});

const match = strict({
  path: pathMatch.optional().describe('The path without the query. Default: every path.'),
  headers: headerMatches(),
  queryParams: queryMatches(),
  method: z.enum(METHODS).optional().describe('The method. Default: every method.'),
});

const timeouts = strict({
  request: duration()
    .optional()
    .describe(
      'Longest time for the whole request with its retries; "0s" = no limit. Default: by TimeoutPolicy, or no limit.',
    ),
  backendRequest: duration()
    .optional()
    .describe('Longest time for one attempt; "0s" = no limit. Default: no limit of its own.'),
}).superRefine(({ request, backendRequest }, sink) => {
  const whole = parseDuration(request ?? '0s') ?? 0;
  const attempt = parseDuration(backendRequest ?? '0s') ?? 0;
  if (whole > 0 && attempt > whole) report(sink, 'conflict', 'must not be longer than request', ['backendRequest']);
});

const retry = strict({
  codes: z
    .array(z.int().min(400).max(599))
    .max(200)
    .default([])
    .describe('Status codes after which a request is tried again, 400 to 599. Connection failures always are.'),
  attempts: z
    .int()
    .min(0)
    .max(100)
    .optional()
    .describe('How many times a request is tried again; 0 = never. Default: by RetryPolicy.'),
  backoff: duration({ min: 1 })
    .optional()
    .describe('Shortest wait before a retry, at least "1ms". Default: by RetryPolicy.'),
});

const rule = strict({
  name: ruleName(),
  matches: z
    .array(match)
    .max(64)
    .default(() => [{ headers: [], queryParams: [] }])
    .describe(
      'Which requests the rule is for: any match suffices. At most 64, 128 in the route. Default: all requests.',
    ),
  filters: filterList({ kind: 'HTTPRoute', on: 'rule' }),
  backendRefs: backendRefs('HTTPRoute'),
  timeouts: timeouts.optional().describe('Time limits; they beat every policy.'),
  retry: retry.optional().describe('Retries; they beat every policy.'),
  sessionPersistence: notYet(),
}).superRefine((value, sink) => checkRule(value, sink));

type WrittenRule = z.infer<typeof rule>;

function checkRule(value: Pick<WrittenRule, 'matches' | 'filters' | 'backendRefs'>, sink: IssueSink): void {
  const redirects = value.filters.some(({ type }) => type === 'RequestRedirect');
  if (redirects && value.backendRefs.length > 0) {
    report(sink, 'conflict', 'must be left out beside a RequestRedirect filter, which answers by itself', [
      'backendRefs',
    ]);
  }
  if (!replacesPrefix(value.filters)) return;
  const prefixes = value.matches.filter(({ path }) => (path?.type ?? 'PathPrefix') === 'PathPrefix');
  if (value.matches.length !== 1 || prefixes.length !== 1) {
    report(sink, 'conflict', 'must be exactly one, of type PathPrefix, when a filter has ReplacePrefixMatch', [
      'matches',
    ]);
  }
}

const schema = strict({
  parentRefs: parentRefs(),
  useDefaultGateways: notYet(),
  hostnames: routeHostnames(),
  rules: z
    .array(rule)
    .min(1)
    .max(16)
    .default(() => [{ matches: [{ headers: [], queryParams: [] }], filters: [], backendRefs: [] }])
    .superRefine(checkRules)
    .describe('Rules, 1 to 16; the most specific match over all rules of all routes wins.'),
});

const toMatch = (written: z.infer<typeof match>): RouteMatch => ({
  path: { type: written.path?.type ?? 'PathPrefix', value: written.path?.value ?? '/' },
  method: written.method,
  headers: toNamed(written.headers, true),
  queryParams: toNamed(written.queryParams, false),
});

const ANY: RouteMatch = { path: { type: 'PathPrefix', value: '/' }, method: undefined, headers: [], queryParams: [] };

const toRule = (written: WrittenRule, index: number, namespace: string): RouteRule => ({
  name: nameOfRule(written, index),
  matches: written.matches.length > 0 ? written.matches.map(toMatch) : [ANY],
  ...toEffect(written.filters, namespace),
  backends: toBackends(written.backendRefs, namespace),
  timeoutMs: durationToMs(written.timeouts?.request),
  backendTimeoutMs: durationToMs(written.timeouts?.backendRequest),
  retry: written.retry && {
    attempts: written.retry.attempts,
    backoffMs: durationToMs(written.retry.backoff),
    codes: written.retry.codes,
  },
});

const toParts = (spec: z.infer<typeof schema>, namespace: string): Pick<Route, 'parents' | 'hostnames' | 'rules'> => ({
  parents: toParents(spec.parentRefs, namespace),
  hostnames: spec.hostnames,
  rules: spec.rules.map((written, index) => toRule(written, index, namespace)),
});

/** HTTPRoute of the Gateway API, attached to services (GAMMA). */
export const httpRouteKind = defineKind({
  kind: 'HTTPRoute',
  plural: 'httproutes',
  apiVersion: GATEWAY_V1,
  alsoAccepts: ['gateway.networking.k8s.io/v1beta1'],
  group: 'traffic',
  scope: 'namespace',
  nameRule: 'subdomain',
  summary:
    'Routes HTTP requests to a service by path, headers, query and method: splits, mirrors, redirects, rewrites.',
  spec: readBy(schema),
  warn: (spec, place) => routeWarnings(toParts(spec, place.namespace)),
  toDomain: (spec, place, source) => ({
    type: 'Route',
    value: {
      source,
      kind: 'HTTPRoute',
      namespace: place.namespace,
      name: place.name,
      ...toParts(spec, place.namespace),
    },
  }),
});
