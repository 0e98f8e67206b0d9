import type { KindInfo } from '#libs/model';
import { canIQuery } from './access/access.controller.js';
import { ALERTS } from './alerts/alerts.operations.js';
import { AUDIT } from './audit/audit.operations.js';
import { applyBody } from './change.schema.js';
import { DELIVERY } from './delivery/delivery.operations.js';
import { EXPLAIN } from './explain/explain.operations.js';
import { instanceBody } from './instance.schema.js';
import type { Operation } from './openapi.operation.js';
import { inputSchema, type JsonSchema, listOf, object, ref, string } from './openapi.schemas.js';
import { diffQuery, planBody } from './plan/plan.schema.js';
import { PROMETHEUS } from './prometheus/prometheus.operations.js';
import { QUARANTINE } from './quarantine/quarantine.operations.js';
import { leaveQuery, listQuery } from './query.js';
import { STAGED_OPERATIONS } from './staged/staged.operations.js';
import { PATTERNS } from './telemetry/patterns.operations.js';
import { TELEMETRY } from './telemetry/telemetry.operations.js';
import { apiTokenBody, exchangeBody, proxyTokenBody } from './token.controller.js';

const json = (schema: JsonSchema) => ({ type: 'application/json', schema });
const MESH = '/api/v1/meshes/{mesh}';
const NAMESPACE = `${MESH}/namespaces/{namespace}`;
const INSTANCE: JsonSchema = { type: 'object', description: 'The instance, with its status.' };

const SERVER: readonly Operation[] = [
  { method: 'get', path: '/livez', tag: 'server', summary: 'The process runs.', access: 'anonymous' },
  {
    method: 'get',
    path: '/readyz',
    tag: 'server',
    summary: 'Proxies are served.',
    access: 'anonymous',
    answer: ref('Readiness'),
  },
  {
    method: 'get',
    path: '/readyz/api',
    tag: 'server',
    summary: 'Writes are taken, too.',
    access: 'anonymous',
    answer: ref('Readiness'),
  },
  {
    method: 'get',
    path: '/metrics',
    tag: 'server',
    summary: 'Metrics in the Prometheus text format.',
    access: 'get Metrics',
  },
  { method: 'get', path: '/api/openapi.json', tag: 'server', summary: 'This document.', access: 'anonymous' },
  { method: 'get', path: '/api/docs', tag: 'server', summary: 'This page.', access: 'anonymous' },
  { method: 'get', path: '/api/docs/{asset}', tag: 'server', summary: 'Files of this page.', access: 'anonymous' },
  {
    method: 'get',
    path: '/api/v1/bootstrap',
    tag: 'server',
    summary: 'What a proxy must know to join.',
    access: 'any token',
  },
];

const TOKENS: readonly Operation[] = [
  {
    method: 'post',
    path: '/api/v1/login/exchange',
    tag: 'tokens',
    summary: 'Trade the one-time admin token for a named one.',
    access: 'anonymous',
    body: json(inputSchema(exchangeBody)),
    status: 201,
    answer: ref('ApiToken'),
  },
  {
    method: 'get',
    path: '/api/v1/tokens',
    tag: 'tokens',
    summary: 'List API tokens, without their secrets.',
    access: 'list ApiToken',
  },
  {
    method: 'post',
    path: '/api/v1/tokens',
    tag: 'tokens',
    summary: 'Make an API token. Its text is in this answer only.',
    access: 'create ApiToken',
    body: json(inputSchema(apiTokenBody)),
    status: 201,
    answer: ref('ApiToken'),
  },
  {
    method: 'delete',
    path: '/api/v1/tokens/{id}',
    tag: 'tokens',
    summary: 'Revoke an API token.',
    access: 'delete ApiToken',
    status: 204,
  },
  {
    method: 'post',
    path: '/api/v1/tokens/renew',
    tag: 'tokens',
    summary: 'A new token for the proxy whose valid token this request carries.',
    access: 'the proxy itself',
    status: 201,
    answer: object({ token: string, expiresAt: string }),
  },
  {
    method: 'post',
    path: `${NAMESPACE}/proxy-tokens`,
    tag: 'tokens',
    summary: 'Make a proxy token.',
    access: 'create ProxyToken',
    body: json(inputSchema(proxyTokenBody)),
    status: 201,
    answer: ref('ProxyToken'),
  },
  {
    method: 'delete',
    path: `${MESH}/proxy-tokens/{jti}`,
    tag: 'tokens',
    summary: 'Revoke a proxy token: its streams are cut within 10 s on every replica.',
    access: 'delete ProxyToken in every mesh',
    status: 204,
  },
];

const ACCESS: readonly Operation[] = [
  {
    method: 'get',
    path: '/api/v1/whoami',
    tag: 'access',
    summary: 'Who the token is, its role, groups and bindings.',
    access: 'any token',
  },
  {
    method: 'get',
    path: `${MESH}/can-i`,
    tag: 'access',
    summary: 'Whether the caller may do something, by what, and what is missing.',
    access: 'anything in the mesh',
    query: canIQuery,
  },
  {
    method: 'get',
    path: `${MESH}/access/roles`,
    tag: 'access',
    summary: 'The built-in roles, and those of the mesh that the caller may read.',
    access: 'anything in the mesh',
  },
];

const CHANGES: readonly Operation[] = [
  {
    method: 'post',
    path: `${MESH}/apply`,
    tag: 'changes',
    summary: 'Apply many manifests in one transaction: all or none.',
    access: 'create, update or delete on each resource',
    body: json(inputSchema(applyBody)),
    answer: ref('Outcome'),
  },
];

const PLANS: readonly Operation[] = [
  {
    method: 'post',
    path: `${MESH}/plan`,
    tag: 'changes',
    summary: 'What a change would do: to resources, Envoys and proxies. Writes nothing but the plan itself.',
    access: 'get on anything',
    body: json(inputSchema(planBody)),
    answer: ref('Plan'),
  },
  {
    method: 'get',
    path: `${MESH}/plans/{plan}`,
    tag: 'changes',
    summary: 'A plan that is kept: for a day, or until one of its inputs has changed.',
    access: 'get on anything',
    answer: ref('Plan'),
  },
  {
    method: 'get',
    path: `${MESH}/diff`,
    tag: 'changes',
    summary: 'What differs between two config revisions, field by field.',
    access: 'get on anything',
    query: diffQuery,
    answer: ref('Differences'),
  },
];

const RUNTIME: readonly Operation[] = [
  { method: 'get', path: `${MESH}/proxies`, tag: 'proxies', summary: 'State of every proxy.', access: 'list Proxy' },
  {
    method: 'get',
    path: `${MESH}/instances`,
    tag: 'instances',
    summary: 'List instances.',
    access: 'list Instance',
    answer: listOf(INSTANCE),
  },
  {
    method: 'get',
    path: `${NAMESPACE}/instances`,
    tag: 'instances',
    summary: 'List instances of a namespace.',
    access: 'list Instance',
    answer: listOf(INSTANCE),
  },
  {
    method: 'get',
    path: `${NAMESPACE}/instances/{name}`,
    tag: 'instances',
    summary: 'Read an instance.',
    access: 'get Instance',
    answer: INSTANCE,
  },
  {
    method: 'put',
    path: `${NAMESPACE}/instances/{name}`,
    tag: 'instances',
    summary: 'Register an instance, or replace its registration.',
    access: 'create or update Instance, or the proxy itself',
    body: json(inputSchema(instanceBody)),
    answer: INSTANCE,
  },
  {
    method: 'delete',
    path: `${NAMESPACE}/instances/{name}`,
    tag: 'instances',
    summary: 'Deregister an instance and wait until its callers have forgotten it.',
    access: 'delete Instance, or the proxy itself',
    query: leaveQuery,
    answer: object({ acked: { type: 'boolean' } }),
  },
];

export const FIXED_OPERATIONS: readonly Operation[] = [
  ...SERVER,
  ...TOKENS,
  ...ACCESS,
  ...CHANGES,
  ...DELIVERY,
  ...PLANS,
  ...AUDIT,
  ...EXPLAIN,
  ...STAGED_OPERATIONS,
  ...QUARANTINE,
  ...TELEMETRY,
  ...PATTERNS,
  ...PROMETHEUS,
  ...ALERTS,
  ...RUNTIME,
];

/** The operations of one kind. */
export function kindOperations({ kind, plural, scope }: KindInfo): Operation[] {
  const place = kind === 'Mesh' ? '/api/v1/meshes' : scope === 'mesh' ? `${MESH}/${plural}` : `${NAMESPACE}/${plural}`;
  const one = kind === 'Mesh' ? MESH : `${place}/{name}`;
  const manifest = ref(kind);
  const isMesh = kind === 'Mesh';
  const list = {
    method: 'get',
    tag: kind,
    access: isMesh ? 'any token' : `list ${kind}`,
    answer: listOf(manifest),
  } as const;
  const write = { path: one, tag: kind, answer: manifest, tagged: true } as const;
  const query = { query: listQuery };
  const everywhere = {
    ...list,
    path: `${MESH}/${plural}`,
    summary: `List ${kind} resources of all namespaces.`,
    ...query,
  };
  return [
    ...(scope === 'namespace' ? [everywhere] : []),
    { ...list, path: place, summary: `List ${kind} resources.`, ...query },
    { ...write, method: 'get', access: isMesh ? 'anything in the mesh' : `get ${kind}`, summary: `Read a ${kind}.` },
    {
      ...write,
      method: 'put',
      access: `create or update ${kind}`,
      summary: `Create or replace a ${kind}.`,
      body: json(manifest),
    },
    {
      ...write,
      method: 'patch',
      access: `update ${kind}`,
      summary: `Change a ${kind} by a JSON merge patch (RFC 7396).`,
      body: { type: 'application/merge-patch+json', schema: { type: 'object' } },
    },
    { ...write, method: 'delete', access: `delete ${kind}`, summary: `Delete a ${kind}.`, answer: ref('Outcome') },
  ];
}
