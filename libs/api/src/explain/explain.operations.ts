import type { Operation } from '../openapi.operation.js';
import { inputSchema, type JsonSchema, object, string } from '../openapi.schemas.js';
import { policyQuery, proxyQuery, requestBody, resourceQuery } from './explain.query.js';

const PATH = '/api/v1/meshes/{mesh}/explain';
const ACCESS = 'get on the proxy or policy, and get on each resource';
const integer: JsonSchema = { type: 'integer' };
const list = (items: JsonSchema, description?: string): JsonSchema => ({
  ...{ type: 'array', items },
  ...(description ? { description } : {}),
});

const ID = { kind: string, namespace: string, name: string };
const REVISIONS = { revision: integer, runtimeRevision: integer };
const HIDDEN = { hidden: { type: 'integer', description: 'How many more there are that the reader may not see.' } };
const PROXY = object({ namespace: string, instance: string, workload: string });
const WRITTEN = object({ ...ID, revision: integer, change: string, actor: string, at: string }, Object.keys(ID));
const RESOURCE = { type: { enum: ['CDS', 'EDS', 'LDS', 'SRDS', 'RDS'] }, name: string, about: object(ID) };
const FIELD = {
  place: string,
  kind: string,
  field: { type: 'string', description: '"" where policies of the kind add up.' },
  value: {},
  from: WRITTEN,
};
const FIELDS = list(
  object(
    {
      ...FIELD,
      shadowed: list(WRITTEN, 'Who set it too, and lost.'),
      overruled: { const: true, description: 'The route rule says it itself.' },
    },
    ['place', 'kind', 'field', 'from', 'shadowed'],
  ),
);
const OWN = list(object({ place: string, field: string, value: {}, from: WRITTEN }));
const NODE = object(
  {
    what: string,
    type: { enum: ['step', 'resource', 'instance', 'index', 'input'] },
    written: WRITTEN,
    withheld: { const: true, description: 'The stored document no longer parses.' },
    instance: object({ namespace: string, instance: string, workload: string, routable: { type: 'boolean' } }),
    from: list({ type: 'object' }, 'What it was made from: of the same shape.'),
    repeated: { const: true, description: 'It stands earlier in the tree.' },
  },
  ['what', 'type', 'from'],
);
const CLUSTER = object({
  ...{ ...RESOURCE, share: { type: 'number', description: '0 to 1.' } },
  endpoints: list(object({ address: string, instance: string }, ['address'])),
  others: list(object({ instance: string, reason: string }), 'Instances that get nothing.'),
  ...{ policies: FIELDS, guards: FIELDS },
});

/** Explanations. */
export const EXPLAIN: readonly Operation[] = [
  {
    ...{ method: 'get', path: `${PATH}/resources`, tag: 'explain', access: ACCESS, query: proxyQuery },
    summary: 'The Envoy resources of a proxy, connected or not.',
    answer: object({ ...REVISIONS, proxy: PROXY, resources: list(object(RESOURCE)), ...HIDDEN }),
  },
  {
    ...{ method: 'get', path: `${PATH}/resource`, tag: 'explain', access: ACCESS, query: resourceQuery },
    summary: 'What one Envoy resource of a proxy was made from, by whom, and which policies have a say.',
    answer: object({
      ...{ ...REVISIONS, proxy: PROXY, resource: object({ ...RESOURCE, version: string }) },
      ...{ tree: NODE, policies: FIELDS, own: OWN, ...HIDDEN },
    }),
  },
  {
    ...{ method: 'get', path: `${PATH}/policy`, tag: 'explain', access: ACCESS, query: policyQuery },
    summary: 'Which proxies and Envoy resources would be otherwise without a policy, and who wins over it.',
    answer: object({
      ...{ ...REVISIONS, policy: WRITTEN, conditions: list({ type: 'object' }) },
      read: { type: 'integer', description: 'Envoy resources that were made from it, affected or not.' },
      resources: list(object({ ...RESOURCE, op: { enum: ['adds', 'changes', 'removes'] }, proxies: integer })),
      proxies: list(object({ namespace: string, instance: string, workload: string, resources: integer })),
      ...{ total: integer, sets: FIELDS, loses: FIELDS },
      hidden: object({ resources: integer, proxies: integer, fields: integer }),
    }),
  },
  {
    ...{ method: 'post', path: `${PATH}/request`, tag: 'explain', access: ACCESS },
    summary: 'Which route, cluster, policies and endpoints a request will use, and why not others.',
    body: { type: 'application/json', schema: inputSchema(requestBody) },
    answer: object(
      {
        ...{ ...REVISIONS, proxy: PROXY, request: string, listener: string, about: object(ID) },
        ...{ destination: string, place: string, effects: list(string) },
        route: object({ name: string, by: WRITTEN }, ['name']),
        ...{ clusters: list(CLUSTER), policies: FIELDS, own: OWN },
        others: list(object({ route: string, reason: string, by: WRITTEN }, ['route', 'reason'])),
        ...HIDDEN,
      },
      ['revision', 'runtimeRevision', 'proxy', 'request', 'listener', 'destination', 'clusters', 'others', 'hidden'],
    ),
  },
];
