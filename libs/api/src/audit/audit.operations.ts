import type { Operation } from '../openapi.operation.js';
import { inputSchema, type JsonSchema, listOf, object, ref, string } from '../openapi.schemas.js';
import { auditQuery, failuresQuery, historyQuery, pastQuery, statementsQuery, verifyBody } from './audit.query.js';

const MESH = '/api/v1/meshes/{mesh}';
const integer: JsonSchema = { type: 'integer' };
const anything: JsonSchema = { type: 'object' };
const ENTRY = object(
  { seq: integer, revision: integer, at: string, prev: string, hash: string, payload: anything, hidden: integer },
  [...['seq', 'revision', 'at', 'prev', 'hash', 'payload']],
);

/** History and audit. */
export const AUDIT: readonly Operation[] = [
  {
    method: 'get',
    path: `${MESH}/history`,
    tag: 'history',
    summary: 'Who changed what, newest first.',
    access: 'get on each resource',
    query: historyQuery,
    answer: listOf(ref('HistoryEntry')),
  },
  {
    method: 'get',
    path: `${MESH}/history/{revision}/resource`,
    tag: 'history',
    summary: 'A resource as it was after a config revision.',
    access: 'get on each resource',
    query: pastQuery,
    answer: object({ revision: integer, version: integer, manifest: anything }),
  },
  {
    method: 'get',
    path: `${MESH}/audit`,
    tag: 'audit',
    summary: 'Who decided what, refusals too, newest first.',
    access: 'get Audit, and get on each resource',
    query: auditQuery,
    answer: listOf(ENTRY),
  },
  {
    method: 'get',
    path: '/api/v1/audit',
    tag: 'audit',
    summary:
      'Who decided what about the server itself: tokens that are not of one mesh, cuts of history. Newest first.',
    access: 'get Audit',
    query: auditQuery,
    answer: listOf(ENTRY),
  },
  {
    method: 'post',
    path: '/api/v1/audit/verify',
    tag: 'audit',
    summary: 'Verify the audit chain: lines of `progress`, then one `verdict`, which names the first broken entry.',
    access: 'get Audit',
    body: { type: 'application/json', schema: inputSchema(verifyBody) },
    answer: object(
      {
        progress: object({ seq: integer, head: integer }),
        verdict: object({ ok: { type: 'boolean' }, entries: integer, seq: integer, reason: string }, ['ok']),
      },
      [],
    ),
    isStream: true,
  },
  {
    method: 'get',
    path: '/api/v1/audit/export',
    tag: 'audit',
    summary: 'The whole chain with keys and checkpoints, as `heddle audit verify --export` takes it.',
    access: 'get Audit',
    answer: object({ type: string }),
    isStream: true,
  },
  {
    method: 'get',
    path: '/api/v1/audit/checkpoints',
    tag: 'audit',
    summary: 'Signed statements about the chain, oldest first, and how far each destination was told.',
    access: 'get Audit',
    query: statementsQuery,
    answer: listOf(object({ id: integer, kind: string, statement: anything })),
  },
  {
    method: 'get',
    path: '/api/v1/audit/access-failures',
    tag: 'audit',
    summary: 'Failed logins by minute and address, newest first.',
    access: 'get Audit',
    query: failuresQuery,
    answer: listOf(object({ minute: string, peer: string, count: integer })),
  },
];
