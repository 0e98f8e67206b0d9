/** Which route takes a request, and what becomes of it: Envoy's decision, made in this process. */
import { RouteConfigurationSchema, RouteSchema, type VirtualHost, VirtualHostSchema } from '#libs/envoy-api';
import { verdictOf } from './actions.js';
import { chooseTable, type ReceivedRequest, receive } from './manager.js';
import { type Outcome, routeOutcome } from './matchers.js';
import type { Evaluation, ExplainedEvaluation, RoutingConfig, SampleRequest, Verdict, WhyNot } from './types.js';
import { unknownFields } from './understood.js';
import { virtualHostFor } from './virtual-hosts.js';

const NOWHERE: Omit<Evaluation, 'verdict'> = {
  scope: undefined,
  table: undefined,
  virtualHost: undefined,
  route: undefined,
  routeIndex: undefined,
};

const unsupported = (fields: readonly string[]): Verdict => ({ type: 'unsupported', fields });

/** What the search has come to: a virtual host to try the routes of, or the end. */
type Found =
  | { readonly done: Evaluation }
  | {
      readonly done: undefined;
      readonly at: Omit<Evaluation, 'verdict'>;
      readonly place: { readonly table: Parameters<typeof virtualHostFor>[0]; readonly virtualHost: VirtualHost };
      readonly request: ReceivedRequest;
    };

function findVirtualHost(config: RoutingConfig, sample: SampleRequest): Found {
  const received = receive(config, sample);
  if (received.type !== 'received') return { done: { ...NOWHERE, verdict: received } };
  const { request } = received;
  const choice = chooseTable(config, request);
  if (choice.type === 'none') return { done: { ...NOWHERE, verdict: { type: 'notFound', reason: choice.reason } } };
  if (choice.type === 'unsupported') return { done: { ...NOWHERE, verdict: choice } };
  const { table, scope } = choice;
  const inTable = { ...NOWHERE, scope, table: table.name };
  const strange = unknownFields(RouteConfigurationSchema, table);
  if (strange.length > 0) return { done: { ...inTable, verdict: unsupported(strange) } };
  const virtualHost = virtualHostFor(table, request.authority);
  if (!virtualHost) {
    const reason = `no virtual host of ${table.name} is for ${JSON.stringify(request.authority)}`;
    return { done: { ...inTable, verdict: { type: 'notFound', reason } } };
  }
  const at = { ...inTable, virtualHost: virtualHost.name };
  const unread = unknownFields(VirtualHostSchema, virtualHost);
  if (unread.length > 0) return { done: { ...at, verdict: unsupported(unread) } };
  return { done: undefined, at, place: { table, virtualHost }, request };
}

/** What Envoy does with the request. A field that the evaluator does not know and that decides makes it `unsupported`. */
export function evaluate(config: RoutingConfig, sample: SampleRequest): Evaluation {
  const found = findVirtualHost(config, sample);
  if (found.done) return found.done;
  const { at, place, request } = found;
  for (const [routeIndex, route] of place.virtualHost.routes.entries()) {
    const outcome = route.match ? routeOutcome(route.match, request) : NO_MATCH;
    if (outcome.type === 'unmet') continue;
    const here = { ...at, route: route.name, routeIndex };
    if (outcome.type === 'unknown') return { ...here, verdict: unsupported(outcome.fields) };
    const strange = unknownFields(RouteSchema, route);
    if (strange.length > 0) return { ...here, verdict: unsupported(strange) };
    return { ...here, verdict: verdictOf({ ...place, route }, request) };
  }
  const reason = `no route of virtual host ${at.virtualHost} of ${at.table} matches`;
  return { ...at, verdict: { type: 'notFound', reason } };
}

const NO_MATCH: Outcome = { type: 'unknown', fields: ['match'] };

/** The same with a word on every other route of the virtual host. */
export function explain(config: RoutingConfig, sample: SampleRequest): ExplainedEvaluation {
  const evaluation = evaluate(config, sample);
  const found = findVirtualHost(config, sample);
  if (found.done) return { ...evaluation, whyNot: [] };
  const { routes } = found.place.virtualHost;
  const whyNot = routes.flatMap((route, index): readonly WhyNot[] => {
    if (index === evaluation.routeIndex) return [];
    const outcome = route.match ? routeOutcome(route.match, found.request) : NO_MATCH;
    return [{ route: route.name, index, reason: reasonOf(outcome) }];
  });
  return { ...evaluation, whyNot };
}

function reasonOf(outcome: Outcome): string {
  switch (outcome.type) {
    case 'unmet':
      return outcome.reason();
    case 'met':
      return 'it matches too, but comes later';
    case 'unknown':
      return `it has conditions that are not evaluated here: ${outcome.fields.join(', ')}`;
  }
}
