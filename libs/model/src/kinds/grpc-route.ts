import { z } from 'zod';
import { defineKind, readBy } from '../define-kind.js';
import type { PathMatch, Route, RouteMatch, RouteRule } from '../domain.js';
import { regexProblem } from '../regex.js';
import { type IssueSink, notYet, report, strict } from '../schema-parts.js';
import { filterList, toEffect } from './route-filters.js';
import {
  backendRefs,
  checkRules,
  headerMatches,
  nameOfRule,
  routeHostnames,
  routeWarnings,
  ruleName,
  toBackends,
  toNamed,
} from './route-parts.js';
import { GATEWAY_V1, parentRefs, toParents } from './route-refs.js';

const SERVICE = /^[A-Za-z_][A-Za-z_0-9]*(\.[A-Za-z_][A-Za-z_0-9]*)*$/;
const METHOD = /^[A-Za-z_][A-Za-z_0-9]*$/;

const methodMatch = strict({
  type: z
    .enum(['Exact', 'RegularExpression'])
    .default('Exact')
    .describe('How service and method are compared. Default: Exact.'),
  service: z
    .string()
    .min(1)
    .max(1024)
    .optional()
    .describe('Full name of the gRPC service, or a regular expression. Default: every service.'),
  method: z
    .string()
    .min(1)
    .max(1024)
    .optional()
    .describe('Name of the method, or a regular expression. Default: every method.'),
}).superRefine((value, sink) => {
  if (value.service === undefined && value.method === undefined)
    report(sink, 'required', 'must have service or method, or both');
  checkName(value.type, value.service, { sink, field: 'service', form: SERVICE });
  checkName(value.type, value.method, { sink, field: 'method', form: METHOD });
});

function checkName(
  type: string,
  value: string | undefined,
  at: { readonly sink: IssueSink; readonly field: string; readonly form: RegExp },
): void {
  if (value === undefined) return;
  if (type === 'RegularExpression') {
    const problem = regexProblem(value);
    if (problem !== undefined) report(at.sink, 'invalid-regex', problem, [at.field]);
  } else if (!at.form.test(value)) {
    report(at.sink, 'invalid-name', `must be the name of a gRPC ${at.field}, without "/"`, [at.field]);
  }
}

const match = strict({
  method: methodMatch.optional().describe('The gRPC service and method. Default: all.'),
  headers: headerMatches(),
});

const rule = strict({
  name: ruleName(),
  matches: z
    .array(match)
    .max(64)
    .default([])
    .describe('Which calls the rule is for: any match suffices. At most 64, 128 in the route. Default: all calls.'),
  filters: filterList({ kind: 'GRPCRoute', on: 'rule' }),
  backendRefs: backendRefs('GRPCRoute'),
  sessionPersistence: notYet(),
});

const schema = strict({
  parentRefs: parentRefs(),
  useDefaultGateways: notYet(),
  hostnames: routeHostnames(),
  rules: z
    .array(rule)
    .max(16)
    .default([])
    .superRefine(checkRules)
    .describe('Rules, at most 16; the most specific match over all rules of all routes wins.'),
});

/**
 * The path of a gRPC call is `/<service>/<method>`. Exact names contain no character that a regular expression would
 * read otherwise but the dot, which never gets into one: a service without a method is a path prefix (G4).
 */
function toPath(method: z.infer<typeof methodMatch> | undefined): PathMatch {
  if (!method) return { type: 'PathPrefix', value: '/' };
  const { type, service, method: name } = method;
  if (type === 'Exact' && service !== undefined) {
    return name === undefined
      ? { type: 'PathPrefix', value: `/${service}` }
      : { type: 'Exact', value: `/${service}/${name}` };
  }
  const part = (expression: string | undefined): string => (expression === undefined ? '[^/]+' : `(?:${expression})`);
  return { type: 'RegularExpression', value: `/${part(service)}/${part(name)}` };
}

const toMatch = (written: z.infer<typeof match>): RouteMatch => ({
  path: toPath(written.method),
  method: undefined,
  headers: toNamed(written.headers, true),
  queryParams: [],
});

const ANY: RouteMatch = { path: { type: 'PathPrefix', value: '/' }, method: undefined, headers: [], queryParams: [] };

const toRule = (written: z.infer<typeof rule>, index: number, namespace: string): RouteRule => ({
  name: nameOfRule(written, index),
  matches: written.matches.length > 0 ? written.matches.map(toMatch) : [ANY],
  ...toEffect(written.filters, namespace),
  backends: toBackends(written.backendRefs, namespace),
  timeoutMs: undefined,
  backendTimeoutMs: undefined,
  retry: undefined,
});

const toParts = (spec: z.infer<typeof schema>, namespace: string): Pick<Route, 'parents' | 'hostnames' | 'rules'> => ({
  parents: toParents(spec.parentRefs, namespace),
  hostnames: spec.hostnames,
  rules: spec.rules.map((written, index) => toRule(written, index, namespace)),
});

/** GRPCRoute of the Gateway API, attached to services (GAMMA). */
export const grpcRouteKind = defineKind({
  kind: 'GRPCRoute',
  plural: 'grpcroutes',
  apiVersion: GATEWAY_V1,
  group: 'traffic',
  scope: 'namespace',
  nameRule: 'subdomain',
  summary: 'Routes gRPC calls to a service by gRPC service, method and headers.',
  spec: readBy(schema),
  warn: (spec, place) => routeWarnings(toParts(spec, place.namespace)),
  toDomain: (spec, place, source) => ({
    type: 'Route',
    value: {
      source,
      kind: 'GRPCRoute',
      namespace: place.namespace,
      name: place.name,
      ...toParts(spec, place.namespace),
    },
  }),
});
