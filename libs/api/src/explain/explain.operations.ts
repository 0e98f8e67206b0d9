import type { Operation } from '../openapi.operation.js';
import { inputSchema, type JsonSchema, object, string } from '../openapi.schemas.js';
import { atQuery, policyQuery, proxyQuery, requestBody, resourceQuery, revisionQuery } from './explain.query.js';

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

const hash: JsonSchema = { type: 'string', description: 'Content hash: equal contents have equal ones.' };
const time: JsonSchema = { type: 'string', description: 'RFC 3339.' };
const HELD = { ...RESOURCE, hash, revision: integer, firstSeen: time };
const RECOMPILED = { ...RESOURCE, hash, now: { enum: ['same', 'other', 'none'] } };
const CONTENT = { description: 'Protobuf JSON; absent when it is not kept any more.' };
const INSTANCE = object({
  ...{ namespace: string, name: string },
  state: { enum: ['routable', 'not routable', 'unknown'], description: 'By the log of instances.' },
});
const THEN = {
  ...{ proxy: PROXY, registered: { type: 'boolean' }, at: time, replica: string, since: time, until: time },
  attached: { type: 'boolean', description: 'False: it was not attached then, and this is what it had before.' },
  revision: { type: 'integer', description: 'Config revision that last changed what it holds.' },
  meshRevision: { type: 'integer', description: 'Newest config revision of the mesh then.' },
  resources: list(object(HELD, ['type', 'name', 'about', 'hash']), 'What it had confirmed.'),
  refused: list(object({ ...RESOURCE, hash, message: string }), 'What it had refused: it ran what it had before.'),
  services: list(object({ about: object(ID), instances: list(INSTANCE) }), 'That its clusters are of.'),
  gone: list(INSTANCE, 'Routable then, and not registered any more.'),
  resource: object({ ...HELD, content: CONTENT, change: object({ change: string, at: time }) }, [
    'type',
    'name',
    'hash',
  ]),
  ...HIDDEN,
};
const OF_REVISION = {
  ...{ proxy: PROXY, revision: integer, head: { type: 'integer', description: 'The newest.' } },
  resources: list(object(RECOMPILED), '`now`: whether it has the same today.'),
  added: list(object(RESOURCE), 'What it has today and would not have.'),
  withheld: list(object(ID), "Resources of then that today's kinds do not accept."),
  resource: object({ ...RECOMPILED, content: CONTENT }, ['type', 'name', 'hash', 'now']),
  ...HIDDEN,
};
const required = (schemas: object, ...optional: readonly string[]): readonly string[] =>
  Object.keys(schemas).filter((name) => !optional.includes(name));

/** Of answers about a proxy. */
const ABOUT = {
  ...REVISIONS,
  trial: {
    type: 'string',
    description: 'The change on trial that the proxy is given before others, which is not explained.',
  },
  proxy: PROXY,
} as const;
const RESOURCES = { ...ABOUT, resources: list(object(RESOURCE)), ...HIDDEN };
const ONE = {
  ...{ ...ABOUT, resource: object({ ...RESOURCE, version: string }) },
  ...{ tree: NODE, policies: FIELDS, own: OWN, ...HIDDEN },
};

/** Explanations. */
export const EXPLAIN: readonly Operation[] = [
  {
    ...{ method: 'get', path: `${PATH}/resources`, tag: 'explain', access: ACCESS, query: proxyQuery },
    summary: 'The Envoy resources of a proxy, connected or not.',
    answer: object(RESOURCES, required(RESOURCES, 'trial')),
  },
  {
    ...{ method: 'get', path: `${PATH}/resource`, tag: 'explain', access: ACCESS, query: resourceQuery },
    summary: 'What one Envoy resource of a proxy was made from, by whom, and which policies have a say.',
    answer: object(ONE, required(ONE, 'trial')),
  },
  {
    ...{ method: 'get', path: `${PATH}/at`, tag: 'explain', access: ACCESS, query: atQuery },
    summary: 'What a proxy was running at a time, as it had confirmed it; recorded once a second, kept for 30 days.',
    answer: object(THEN, required(THEN, 'until', 'resource')),
  },
  {
    ...{ method: 'get', path: `${PATH}/revision`, tag: 'explain', access: ACCESS, query: revisionQuery },
    summary: "What a proxy would be sent of an older config revision: by today's compiler, with today's instances.",
    answer: object(OF_REVISION, required(OF_REVISION, 'resource')),
  },
  {
    ...{ method: 'get', path: `${PATH}/policy`, tag: 'explain', access: ACCESS, query: policyQuery },
    summary: 'Which proxies and Envoy resources would be otherwise without a policy, and who wins over it.',
    answer: object({
      ...{ ...REVISIONS, policy: WRITTEN, conditions: list({ type: 'object' }) },
      read: { type: 'integer', description: 'Envoy resources that were made from it, affected or not.' },
      resources: list(object({ ...RESOURCE, op: { enum: ['adds', 'changes', 'removes'] }, proxies: integer })),
      proxies: list(object({ namespace: string, instance: string, workload: string, resources: integer })),
      scraped: list(object({ namespace: string, instance: string, workload: string })),
      ...{ total: integer, sets: FIELDS, loses: FIELDS },
      hidden: object({ resources: integer, proxies: integer, scraped: integer, fields: integer }),
    }),
  },
  {
    ...{ method: 'post', path: `${PATH}/request`, tag: 'explain', access: ACCESS },
    summary: 'Which route, cluster, policies and endpoints a request will use, and why not others.',
    body: { type: 'application/json', schema: inputSchema(requestBody) },
    answer: object(
      {
        ...{ ...ABOUT, request: string, listener: string, about: object(ID) },
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
