import type { Operation } from '../openapi.operation.js';
import { type JsonSchema, object, ref, string } from '../openapi.schemas.js';

const MESH = '/api/v1/meshes/{mesh}';
const integer: JsonSchema = { type: 'integer' };
const number: JsonSchema = { type: 'number' };
const boolean: JsonSchema = { type: 'boolean' };
const list = (items: JsonSchema): JsonSchema => ({ type: 'array', items });
const STATES = ['Delivering', 'Delivered', 'Refused', 'Unserved', 'Unknown'];

const ITEM = object(
  {
    op: { enum: ['create', 'update', 'delete'] },
    ...{ kind: string, namespace: string, name: string },
    fields: list(object({ path: string, op: string, before: {}, after: {} }, ['path', 'op'])),
    manifest: { type: 'object' },
  },
  ['op', 'kind', 'namespace', 'name', 'fields'],
);

/** Schemas of answers about deliveries. */
export const DELIVERY_ANSWERS: Readonly<Record<string, JsonSchema>> = {
  Delivery: {
    description:
      'How far a change has come at the proxies of all replicas. `total` = `acked` + `refusing` + those that have not answered.',
    ...object(
      {
        state: { enum: STATES },
        ...{ total: integer, acked: integer, refusing: integer, elapsedMs: number },
        refused: list(object({ proxy: string, type: string, name: string, message: string })),
        behind: list(object({ proxy: string, sinceMs: integer })),
        replicas: list(object({ replica: string, total: integer, acked: integer, pending: boolean, stale: boolean })),
        hidden: integer,
      },
      ['state', 'total', 'acked', 'refusing', 'elapsedMs', 'refused', 'behind', 'replicas'],
    ),
  },
  Change: {
    description: 'A change: who made it, what it did to each resource, and how far it has come.',
    ...object(
      {
        ...{ change: string, revision: integer, at: { type: 'string', format: 'date-time' } },
        ...{ actor: string, message: string, reverts: string },
        items: list(ITEM),
        hidden: { type: 'integer', description: 'Further resources, which the caller may not read. Absent = none.' },
        delivery: ref('Delivery'),
      },
      ['change', 'items'],
    ),
  },
};

const EVENTS = { method: 'get', tag: 'changes', access: 'watch on anything', isEvents: true } as const;

/** Pages of changes, and events. */
export const DELIVERY: readonly Operation[] = [
  {
    method: 'get',
    path: `${MESH}/changes/{change}`,
    tag: 'changes',
    summary: 'A change: who, when, what, and how far its delivery has come.',
    access: 'get on anything',
    answer: ref('Change'),
  },
  {
    ...EVENTS,
    path: `${MESH}/changes/{change}/events`,
    summary:
      'How far the delivery of a change has come, as server-sent events: `delivery` at once and at most five times a second, then `done`.',
    answer: object({ change: string, delivery: ref('Delivery') }),
  },
  {
    ...EVENTS,
    path: `${MESH}/events`,
    summary: 'Server-sent events `change`: each change that is made, and each time that its delivery has moved.',
    answer: ref('HistoryEntry'),
  },
];
