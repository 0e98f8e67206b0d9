/** Schemas of what plans are answered with. Their members keep their names and meaning: programs read them. */
import { FINDINGS } from '#libs/changes';
import type { JsonSchema } from '../openapi.schemas.js';

const string: JsonSchema = { type: 'string' };
const integer: JsonSchema = { type: 'integer' };
const time: JsonSchema = { type: 'string', description: 'RFC 3339; "" when the plan is not kept.' };
const any = (description: string): JsonSchema => ({ description });
const list = (items: JsonSchema, description = ''): JsonSchema => ({
  type: 'array',
  items,
  ...(description ? { description } : {}),
});

function object(properties: Readonly<Record<string, JsonSchema>>, optional: readonly string[] = []): JsonSchema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', properties, required };
}

const ID = { kind: string, namespace: string, name: string };
const MARK = object({ change: string, revision: integer, at: string, actor: string, message: string });
const FIELD = object(
  {
    path: { type: 'string', description: '`spec.rules[0].backendRefs[orders:8080].weight`' },
    op: { enum: ['add', 'remove', 'change', 'move'] },
    before: any('Absent for add.'),
    after: any('Absent for remove.'),
  },
  ['before', 'after'],
);
const FINDING = object({
  code: { enum: Object.keys(FINDINGS) },
  severity: { enum: ['info', 'warning', 'critical'] },
  resource: object(ID),
  path: { type: 'string', description: 'JSON pointer into its manifest.' },
  message: string,
  by: list(object(ID), 'Who causes it.'),
  introduced: { type: 'boolean', description: 'False when it holds already, without the plan.' },
});
const INTENT = object(
  {
    op: { enum: ['create', 'update', 'delete', 'unchanged'] },
    ...ID,
    version: integer,
    fields: list(FIELD),
    manifest: any('For create and delete.'),
    labels: list({ type: 'object' }, 'For update and unchanged: as they are, and as they would be.'),
    sameMeaning: { const: true, description: 'An update in words only.' },
  },
  ['manifest', 'labels', 'sameMeaning'],
);
const ENVOY = object(
  {
    op: { enum: ['add', 'change', 'remove'] },
    ...{ type: string, name: string, key: string, namespace: string },
    proxies: { type: 'integer', description: 'Proxies that are sent it, or lose it.' },
    fields: list(FIELD, 'For change.'),
    content: any('For add and remove: the message as protobuf JSON.'),
    provisionalAddress: { const: true, description: 'Its loopback address is allocated when the plan is applied.' },
  },
  ['fields', 'content', 'provisionalAddress'],
);
const PROXY = object({
  ...{ namespace: string, instance: string, workload: string },
  ...{ added: integer, changed: integer, removed: integer },
  listeners: { type: 'integer', description: 'Listeners that drain.' },
});

const REPLAY = object({
  total: integer,
  unchanged: { type: 'integer', description: 'Whoever sends them.' },
  groups: list(
    object({
      change: { enum: ['elsewhere', 'treatment'] },
      before: string,
      after: string,
      lost: list(string, 'Effects that only the routes of before have.'),
      gained: list(string),
      requests: list(integer, 'Positions in the list of requests.'),
      examples: list(string),
      callers: list(object({ namespace: string, proxies: integer })),
    }),
  ),
  unsupported: list(object({ request: integer, example: string, reason: string }), 'What cannot be judged.'),
  skipped: { type: 'integer', description: 'Proxies with other routes whose Envoy has no listener for all hosts.' },
});

export const PLAN_ANSWERS: Readonly<Record<string, JsonSchema>> = {
  Plan: {
    description: 'What a change would do. `POST .../apply` with `plan: <id>` does exactly that, or is refused.',
    ...object(
      {
        ...{ id: string, mesh: string, revision: integer, runtimeRevision: integer, message: string, actor: string },
        ...{ createdAt: time, expiresAt: time, reverts: string },
        intent: list(INTENT),
        envoy: object({
          ...{ added: integer, changed: integer, removed: integer },
          ...{ items: list(ENVOY), withoutFields: integer },
        }),
        proxies: object({ total: integer, touched: integer, items: list(PROXY) }),
        cost: object({ recomputed: integer, verified: integer, edges: integer }),
        findings: list(FINDING),
        resolved: list(FINDING, 'What holds now and would not any more.'),
        warnings: list(
          object({ resource: object(ID), path: string, code: string, message: string, by: object(ID) }, ['by']),
        ),
        conflicts: list(object({ ...ID, later: list(MARK), decision: { enum: ['skip', 'overwrite'] } })),
        replay: REPLAY,
        hidden: object({ intent: integer, envoy: integer, proxies: integer, findings: integer, replay: integer }, [
          'replay',
        ]),
      },
      ['reverts', 'replay', 'hidden'],
    ),
  },
  Differences: {
    description: 'What differs between the configuration after two revisions.',
    ...object({
      from: integer,
      to: integer,
      items: list(
        object(
          {
            op: { enum: ['create', 'update', 'delete'] },
            ...ID,
            fields: list(FIELD),
            manifest: any('For create and delete.'),
            changes: list(MARK),
          },
          ['manifest'],
        ),
      ),
      hidden: { type: 'integer', description: 'How many the reader may not see.' },
    }),
  },
};
