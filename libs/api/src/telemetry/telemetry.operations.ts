import { OUTCOMES } from '#libs/telemetry';
import type { Operation } from '../openapi.operation.js';
import { type JsonSchema, object, string } from '../openapi.schemas.js';
import {
  chartQuery,
  edgeQuery,
  edgesQuery,
  failuresQuery,
  mapQuery,
  ofServiceQuery,
  serviceQuery,
  servicesQuery,
} from './telemetry.query.js';

const PATH = '/api/v1/meshes/{mesh}/telemetry';
const integer: JsonSchema = { type: 'integer' };
const number: JsonSchema = { type: 'number' };
const time: JsonSchema = { type: 'string', format: 'date-time' };
const outcome: JsonSchema = { enum: OUTCOMES };
const list = (items: JsonSchema): JsonSchema => ({ type: 'array', items });
const said = (schema: JsonSchema, description: string): JsonSchema => ({ ...schema, description });

const ANSWERED = {
  from: said(time, 'Begin of what was counted, rounded to what is kept, by the clock of Postgres.'),
  to: said(time, 'Its end, the first moment after.'),
  incomplete: said(
    { type: 'boolean' },
    'Something of that time was dropped, or is not kept any more: counts are lower bounds.',
  ),
};
const SIGNALS = {
  rate: said(number, 'Requests a second; attempts where only those are known: of instances and zones.'),
  count: number,
  failures: number,
  failureShare: said(number, '0 to 1.'),
  outcomes: list(object({ outcome, count: number })),
  attemptsPerRequest: said(number, '1 = nothing was retried. Absent where requests are not known.'),
  latency: said(
    object({ p50: number, p90: number, p99: number }),
    'Milliseconds, of all, failed ones too; absent = nothing ended.',
  ),
  inFlight: said(number, 'How many were open at once, on average: rate times mean latency. Absent = nothing ended.'),
};
const ALWAYS = ['rate', 'count', 'failures', 'failureShare', 'outcomes'];
const signals = (more: Readonly<Record<string, JsonSchema>>, optional: readonly string[] = []): JsonSchema =>
  object({ ...more, ...SIGNALS }, [...Object.keys(more).filter((name) => !optional.includes(name)), ...ALWAYS]);
const listed = (item: JsonSchema): JsonSchema =>
  object({
    ...ANSWERED,
    items: list(item),
    more: said(integer, 'How many there are beyond the limit.'),
    hidden: said(integer, 'How many there are that the reader may not see.'),
  });

const EDGE_PARTS = {
  caller: said(
    string,
    'Workload, `namespace/name`; "" = without an identity; `others` = those that the reader may not see.',
  ),
  callee: said(string, 'Service, `namespace/name`; `others` = those that the reader may not see.'),
  others: said(integer, 'How many are summed up under `others`.'),
  failure: said(outcome, 'What failed most often.'),
};
const EDGE = signals(EDGE_PARTS, ['others', 'failure']);
const INSTANCE = signals({ instance: string, service: string, version: string, zone: string });
const POINT = signals(
  { at: time, incomplete: said({ const: true }, 'Something is missing, or the step has not ended.') },
  ['incomplete'],
);
const MAP = object({
  ...ANSWERED,
  nodes: list(
    object(
      {
        kind: { enum: ['service', 'workload'] },
        id: string,
        signals: signals({}),
        plaintext: said(integer, 'Requests, of TCP connections, without mutual TLS, in the last five minutes.'),
      },
      ['kind', 'id'],
    ),
  ),
  edges: list(signals({ ...EDGE_PARTS, plaintext: { const: true } }, ['others', 'failure', 'plaintext'])),
  serves: list(object({ service: string, workload: string })),
  ...{ more: integer, hidden: integer },
});
const FAILURE = object({
  at: time,
  what: { enum: ['request', 'attempt'] },
  ...{ requestId: string, caller: string, callerInstance: string, callee: string, subset: string, instance: string },
  ...{ route: string, outcome, status: integer, flags: string, method: string, path: string },
  details: said(string, 'In the words of Envoy and of whoever called: may hold anything.'),
  durationMs: number,
  attempt: integer,
});
const CHART = object({ from: time, to: time, stepMs: integer, points: list(POINT) });
const ROUTES = list(
  signals({
    route: said(string, '`kind/namespace/name/rule`; "" = by none.'),
    subset: said(string, '"" = of no subset.'),
  }),
);
const EDGE_DETAIL = object({
  ...{ caller: EDGE_PARTS.caller, callee: string, ...ANSWERED },
  ...{ total: signals({}), chart: CHART },
  routes: said(ROUTES, 'Those by which most failed first, then the busiest; a hundred at most.'),
  more: said(integer, 'How many more routes there are.'),
});
const DETAIL = object({
  ...{ namespace: string, name: string, ...ANSWERED },
  total: signals({}),
  chart: CHART,
  routes: ROUTES,
  callers: list(EDGE),
  instances: list(INSTANCE),
});

const get = (path: string, operation: Pick<Operation, 'summary' | 'query' | 'answer'>): Operation => ({
  ...{ method: 'get', tag: 'telemetry', access: 'get Service, of each; get Proxy, of callers and instances' },
  ...{ path: `${PATH}/${path}`, ...operation },
});

export const TELEMETRY: readonly Operation[] = [
  {
    ...get('services', {
      summary: 'How the requests to each service fare: rate, failures, latency, retries.',
      query: servicesQuery,
      answer: listed(signals({ namespace: string, name: string })),
    }),
    access: 'list Service',
  },
  get('services/{namespace}/{name}', {
    summary: 'How the requests to a service fare: over time, by route, by caller, by instance.',
    query: serviceQuery,
    answer: DETAIL,
  }),
  get('chart', {
    summary: 'How requests fare over time: all of them, those to a service, or those of one caller to it.',
    query: chartQuery,
    answer: CHART,
  }),
  get('edges/{namespace}/{name}', {
    summary: 'How the requests of one caller to a service fare: over time, by route.',
    query: edgeQuery,
    answer: EDGE_DETAIL,
  }),
  get('edges', { summary: 'Who calls whom, and how that goes.', query: edgesQuery, answer: listed(EDGE) }),
  get('instances', {
    summary: 'How the attempts at each instance fare.',
    query: ofServiceQuery,
    answer: listed(INSTANCE),
  }),
  get('zones', {
    summary: 'How the attempts from zone to zone fare.',
    query: ofServiceQuery,
    answer: listed(signals({ callerZone: string, calleeZone: string })),
  }),
  get('map', {
    summary: 'The map of services: workloads, services, and the busiest edges between them.',
    query: mapQuery,
    answer: MAP,
  }),
  get('failures', {
    summary: 'Requests and attempts that failed, newest first.',
    query: failuresQuery,
    answer: object({ from: time, to: time, items: list(FAILURE), cursor: string }, ['from', 'to', 'items']),
  }),
];
