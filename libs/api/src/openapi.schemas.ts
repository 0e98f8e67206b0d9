import { z } from 'zod';
import type { KindInfo } from '#libs/model';

/** A JSON Schema, as OpenAPI 3.1 takes it. */
export type JsonSchema = Readonly<Record<string, unknown>>;

export const ref = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` });
export const listOf = (items: JsonSchema): JsonSchema =>
  object({ items: { type: 'array', items }, cursor: string }, ['items']);

export const string: JsonSchema = { type: 'string' };
const integer: JsonSchema = { type: 'integer' };
const boolean: JsonSchema = { type: 'boolean' };
const time: JsonSchema = { type: 'string', format: 'date-time' };
const strings: JsonSchema = { type: 'object', additionalProperties: { type: 'string' } };

export const object = (properties: JsonSchema, required: readonly string[] = Object.keys(properties)): JsonSchema => ({
  type: 'object',
  properties,
  required,
});

/** The schema of what a client sends. */
export const inputSchema = (schema: z.ZodType): JsonSchema => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return rest;
};

const names: JsonSchema = { type: 'array', items: string };
const RESOURCE_ID = object({ kind: string, namespace: string, name: string });
const VIOLATION = object({ path: string, code: string, message: string, resource: RESOURCE_ID, document: integer }, [
  'path',
  'code',
  'message',
]);
const MISSING = {
  description: 'With 403: what the caller would have to hold, and the built-in roles that have it.',
  ...object({ verb: string, kind: string, mesh: string, namespace: string, name: string, roles: names }, [
    'verb',
    'roles',
  ]),
};
const CONDITION = object({ type: string, status: { enum: ['True', 'False'] }, reason: string, message: string });

/** Schemas of answers, shared by all kinds. */
export const ANSWERS: Readonly<Record<string, JsonSchema>> = {
  Problem: {
    description: 'Problem details (RFC 9457).',
    ...object(
      {
        type: { type: 'string', description: '`urn:heddle:problem:<code>`' },
        title: string,
        status: integer,
        detail: string,
        requestId: string,
        violations: { type: 'array', items: VIOLATION },
        missing: MISSING,
      },
      ['type', 'title', 'status', 'detail', 'requestId'],
    ),
  },
  Outcome: {
    description: 'What a change did. `change` is "" when nothing changed.',
    ...object({
      change: string,
      revision: integer,
      items: {
        type: 'array',
        items: object({ op: string, kind: string, namespace: string, name: string, version: integer }),
      },
      warnings: { type: 'array', items: VIOLATION },
    }),
  },
  Status: object({ conditions: { type: 'array', items: CONDITION }, change: string, warnings: { type: 'array' } }, [
    'conditions',
  ]),
  HistoryEntry: object(
    {
      change: string,
      revision: integer,
      at: time,
      actor: string,
      message: string,
      reverts: string,
      items: { type: 'array', items: object({ op: string, kind: string, namespace: string, name: string }) },
      hidden: integer,
      delivery: object({ state: string, acked: integer, total: integer, refused: integer }),
    },
    ['change', 'revision', 'at', 'actor', 'message', 'items'],
  ),
  ApiToken: object({
    id: string,
    name: string,
    role: string,
    groups: names,
    meshes: names,
    token: string,
    expiresAt: time,
  }),
  ProxyToken: object({ token: string, jti: string, expiresAt: time, nodeId: string }),
  Readiness: object({ status: string, xds: boolean, api: boolean }),
};

/** Metadata as a client writes it; what the server adds to it on reading is ignored. */
const metadata = (scope: KindInfo['scope']): JsonSchema => ({
  ...object(
    { name: string, ...(scope === 'namespace' ? { namespace: string } : {}), labels: strings, annotations: strings },
    ['name'],
  ),
});

/** The manifest of a kind, with the schema that also parses it. */
export const manifestSchema = (info: KindInfo): JsonSchema => ({
  description: info.summary,
  ...object(
    {
      apiVersion: { enum: info.accepts },
      kind: { const: info.kind },
      metadata: metadata(info.scope),
      spec: withoutMeta(info.specSchema()),
      status: { ...ref('Status'), readOnly: true },
    },
    ['apiVersion', 'kind', 'metadata', 'spec'],
  ),
});

function withoutMeta({ $schema: _, ...schema }: Record<string, unknown>): JsonSchema {
  return schema;
}
