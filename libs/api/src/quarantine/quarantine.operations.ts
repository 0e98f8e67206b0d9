import type { Operation } from '../openapi.operation.js';
import { type JsonSchema, object, string } from '../openapi.schemas.js';

const PATH = '/api/v1/meshes/{mesh}/quarantine';
const integer: JsonSchema = { type: 'integer' };
const list = (items: JsonSchema): JsonSchema => ({ type: 'array', items });
const ITEM = {
  ...{ uid: string, mesh: string, kind: string, namespace: string, name: string },
  badRevision: { type: 'integer', description: 'The last one, which cannot be evaluated.' },
  useRevision: { type: 'integer', description: 'The one that is served; 0 = none can be.' },
  ...{ reason: string, at: string },
};
const CONTENT = {
  ...{ id: string, version: string, type: string, name: string, reason: string, at: string },
  ...{ proxies: list(string), hosts: list(string) },
  everywhere: { type: 'boolean', description: 'Two hosts died of it: nobody is sent it who does not run it.' },
};

/** What is not served as it was written. */
export const QUARANTINE: readonly Operation[] = [
  {
    method: 'get',
    path: PATH,
    tag: 'delivery',
    summary: 'Resources of which an earlier revision is served, and contents that proxies died of.',
    access: 'get on each resource; get Proxy of the mesh as a whole for contents',
    answer: object({ items: list(object(ITEM)), contents: list(object(CONTENT)), hidden: integer }),
  },
  {
    method: 'delete',
    path: `${PATH}/{id}`,
    tag: 'delivery',
    summary: 'Try the last revision of a resource, or a content, again.',
    access: 'update on the resource; update Mesh for a content',
    status: 204,
  },
];
