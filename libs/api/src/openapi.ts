import type { Registry } from '#libs/model';
import { DELIVERY_ANSWERS } from './delivery/delivery.operations.js';
import type { Operation } from './openapi.operation.js';
import { FIXED_OPERATIONS, kindOperations } from './openapi.operations.js';
import { ANSWERS, inputSchema, type JsonSchema, manifestSchema, ref, string } from './openapi.schemas.js';
import { PLAN_ANSWERS } from './plan/plan.openapi.js';

/** Every operation of the API for these kinds. */
export const operationsOf = ({ kinds }: Pick<Registry, 'kinds'>): Operation[] => [
  ...FIXED_OPERATIONS,
  ...kinds.flatMap(kindOperations),
];

/** The OpenAPI 3.1 document, made from the same schemas that parse requests. */
export function openApiDocument(registry: Pick<Registry, 'kinds'>, version: string): JsonSchema {
  const paths: Record<string, Record<string, JsonSchema>> = {};
  for (const operation of operationsOf(registry)) {
    const { [operation.path]: known = {} } = paths;
    paths[operation.path] = { ...known, [operation.method]: operationObject(operation) };
  }
  const kinds = Object.fromEntries(registry.kinds.map((info) => [info.kind, manifestSchema(info)]));
  return {
    openapi: '3.1.0',
    info: {
      title: 'Heddle',
      version,
      description:
        'Control plane of a service mesh of stock Envoys. Every call but the anonymous ones carries a bearer token.',
    },
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      schemas: { ...ANSWERS, ...DELIVERY_ANSWERS, ...PLAN_ANSWERS, ...kinds },
    },
  };
}

function operationObject(operation: Operation): JsonSchema {
  const { tag, summary, access, body, status = 200, answer } = operation;
  const success = {
    description: summary,
    ...(answer === undefined ? {} : { content: content(answerType(operation), answer) }),
  };
  return {
    tags: [tag],
    summary,
    description: access === 'anonymous' ? 'Needs no token.' : `Needs: ${access}.`,
    operationId: operationId(operation),
    ...(access === 'anonymous' ? { security: [] } : {}),
    parameters: [...pathParameters(operation), ...queryParameters(operation), ...headerParameters(operation)],
    ...(body === undefined ? {} : { requestBody: { required: true, content: content(body.type, body.schema) } }),
    responses: {
      [status]: success,
      default: { description: 'A problem.', content: content('application/problem+json', ref('Problem')) },
    },
  };
}

const content = (type: string, schema: JsonSchema): JsonSchema => ({ [type]: { schema } });

const operationId = ({ method, path }: Operation): string =>
  `${method}${path
    .split('/')
    .filter((part) => part !== '')
    .map((part) => `-${part.replace(/[{}]/g, '').replace(/\W/g, '-')}`)
    .join('')}`;

const pathParameters = ({ path }: Operation): JsonSchema[] =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: string }));

function queryParameters({ query }: Operation): JsonSchema[] {
  if (query === undefined) return [];
  return Object.entries(query.shape).map(([name, schema]) => {
    const { description, ...rest } = inputSchema(schema);
    return { name, in: 'query', required: false, description, schema: rest };
  });
}

function headerParameters({ method, tagged }: Operation): JsonSchema[] {
  const header = (name: string, description: string): JsonSchema => ({
    name,
    in: 'header',
    required: false,
    description,
    schema: string,
  });
  if (method === 'get') return tagged ? [header('If-None-Match', '304 when this ETag is still current.')] : [];
  const key = header('Idempotency-Key', 'A request that is sent again with the same key is done once (24 h).');
  if (!tagged) return method === 'post' ? [key] : [];
  const match = header('If-Match', '412 unless this ETag is current.');
  const none = header('If-None-Match', '`*`: 412 when the resource exists.');
  return method === 'put' ? [match, none, key] : [match, key];
}

function answerType({ isStream, isEvents }: Operation): string {
  if (isEvents) return 'text/event-stream';
  return isStream ? 'application/x-ndjson' : 'application/json';
}
