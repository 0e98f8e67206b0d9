import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { MeshGraph } from '#libs/compiler';
import { createRegistry, resourceKey } from '#libs/model';
import { policies } from '#policies';
import { instance } from '../../../testing/src/builders/index.js';
import { goldenSuite } from '../../../testing/src/golden/index.js';
import type { LiveMesh } from '../live.js';
import { createExplain } from './explain.js';
import type { ExplainedNode, PolicyField, Written } from './types.js';

const question = z.union([
  z.strictObject({ proxy: z.string() }),
  z.strictObject({ proxy: z.string(), type: z.string(), resource: z.string(), full: z.boolean().default(false) }),
  z.strictObject({ policy: z.string() }),
  z.strictObject({ guards: z.string() }),
  z.strictObject({ from: z.string(), request: z.string(), headers: z.record(z.string(), z.string()).default({}) }),
]);
const first = z.strictObject({
  ask: z.record(z.string(), question),
  /** `<namespace>/<name>`, with fields that are not the builder's. */
  instances: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
  /** Resources whose documents no longer parse, `<kind>/<namespace>/<name>`. */
  withheld: z.array(z.string()).default([]),
});

const MESH = 'default';

/** The mesh of a case: the first document is the questions, the others are applied one after the other. */
function meshOf(text: string) {
  const [head, ...documents] = parseAllDocuments(text).map((document): unknown => document.toJS());
  const { ask, instances, withheld } = first.parse(head);
  const registry = createRegistry(policies);
  const graph = new MeshGraph({ mesh: MESH, policies });
  let revision = 0;
  for (const document of documents) {
    const parsed = registry.parse(document, MESH);
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
    revision += 1;
    const { kind, metadata } = parsed.value.manifest;
    const id = { kind, namespace: metadata.namespace, name: metadata.name };
    graph.setResource(id, parsed.value.toDomain({ ...id, revision, createdRevision: revision }));
    if (kind === 'Service') graph.setAddress(`${id.namespace}/${id.name}`, revision + 1);
  }
  for (const [id, fields] of Object.entries(instances)) graph.setInstance({ ...instance(id), ...fields });
  for (const text of withheld) {
    const [kind = '', namespace = '', name = ''] = text.split('/');
    graph.withhold({ kind, namespace, name });
  }
  graph.pass();
  const live: LiveMesh = {
    ...{ graph, configRevision: revision, runtimeRevision: 0 },
    slice: () => ({ exhausted: () => false }),
    usersOf: () => [],
    isConnected: () => true,
  };
  return { ask, live };
}

/** Every odd revision is by ann, every even one by ben. */
const history = {
  origins: (_: string, named: readonly { readonly kind: string; readonly revision?: number | undefined }[]) =>
    Promise.resolve(
      named.map(({ revision }) => ({
        ...{ labels: {}, revision, at: undefined },
        change: revision === undefined ? undefined : `c-${revision}`,
        actor: revision === undefined ? undefined : revision % 2 ? 'ann' : 'ben',
      })),
    ),
};

const by = ({ kind, namespace, name, revision, actor }: Written): string =>
  `${kind} ${[namespace, name].filter(Boolean).join('/')}${revision ? `@r${revision} by ${actor}` : ''}`;
const line = ({ what, written, instance: proxy, withheld, repeated }: ExplainedNode): string => {
  const end = `${withheld ? ' (withheld)' : ''}${repeated ? ' (above)' : ''}`;
  if (written) return by(written) + end;
  return proxy ? `${what}${proxy.routable ? '' : ' (not routable)'}` : what + end;
};
const outline = (node: ExplainedNode): unknown =>
  node.from.length === 0 ? line(node) : { [line(node)]: node.from.map(outline) };
const fields = (all: readonly PolicyField[]) =>
  all.map(({ place, kind, field, value, from, shadowed, overruled }) => ({
    ...{ place, set: field === '' ? kind : `${kind}.${field} = ${JSON.stringify(value)}`, from: by(from) },
    ...(overruled ? { overruled } : {}),
    ...(shadowed.length > 0 ? { shadowed: shadowed.map(by) } : {}),
  }));

async function answer(live: LiveMesh, asked: z.output<typeof question>): Promise<unknown> {
  const explain = createExplain({ live: () => Promise.resolve(live), history });
  const at = (proxy: string) => {
    const [namespace = '', name = ''] = proxy.split('/');
    return { mesh: MESH, namespace, name };
  };
  if ('request' in asked) {
    const [, method = '', authority = '', path = ''] = /^(\S+) http:\/\/([^/]+)(.*)$/.exec(asked.request) ?? [];
    const headers = Object.entries(asked.headers).map(([name, value]) => ({ name, value }));
    const found = await explain.request(at(asked.from), { method, authority, path, headers });
    if (!found.ok) return found.error;
    const { clusters, own, others, policies: set, route, about, proxy, ...rest } = found.value;
    return {
      ...rest,
      about: about && `${about.kind} ${about.namespace}/${about.name}`,
      route: route && { ...route, by: route.by && by(route.by) },
      clusters: clusters.map(({ name, share, endpoints, others: idle, policies: own_, guards }) => ({
        ...{ name, share, endpoints, others: idle, policies: fields(own_), guards: fields(guards) },
      })),
      policies: fields(set),
      own: own.map(({ from, ...field }) => ({ ...field, from: by(from) })),
      others: others.map((other) => ({ ...other, by: other.by && by(other.by) })),
    };
  }
  if ('guards' in asked) {
    const found = await explain.guards(MESH, asked.guards);
    if (!found.ok) return found.error;
    const ports = found.value.services.get(asked.guards) ?? [];
    return ports.map((one) => [`${one.port} is ${one.state}`, ...one.by.map(resourceKey)].join(', '));
  }
  if ('policy' in asked) {
    const [kind = '', namespace = '', name = ''] = asked.policy.split('/');
    const found = await explain.policy(MESH, { kind, namespace, name });
    if (!found.ok) return found.error;
    const { policy, resources, proxies, scraped, conditions, sets, loses, read, total } = found.value;
    return {
      policy: by(policy),
      conditions: conditions.map(({ type, status, reason, message }) => `${type}=${status} ${reason}: ${message}`),
      read: `${read} resources`,
      resources: resources.map((one) => `${one.op} ${one.type} ${one.name}, of ${one.proxies} proxies`),
      proxies: [...proxies.map((one) => `${one.namespace}/${one.instance}: ${one.resources}`), `of ${total}`],
      ...(scraped.length > 0
        ? { scraped: scraped.map(({ namespace, instance: name }) => `${namespace}/${name}`) }
        : {}),
      ...{ sets: fields(sets), loses: fields(loses) },
    };
  }
  if ('resource' in asked) {
    const found = await explain.resource({ ...at(asked.proxy), ...asked });
    if (!found.ok)
      return `${found.error.code}, there are ${'resources' in found.error && found.error.resources.length}`;
    const { tree, policies: set, own } = found.value;
    return {
      tree: outline(tree),
      policies: fields(set),
      own: own.map(({ from, ...one }) => ({ ...one, from: by(from) })),
    };
  }
  const found = await explain.resources(at(asked.proxy));
  if (!found.ok) return found.error;
  return found.value.resources.map(({ type, name, about }) => `${type} ${name} (${resourceKey(about)})`);
}

goldenSuite({
  title: 'explanations, a case a file',
  directory: join(import.meta.dirname, '../../testdata/explain'),
  layout: 'files',
  produce: async (text) => {
    const { ask, live } = meshOf(text);
    const answers: [string, unknown][] = [];
    for (const [name, asked] of Object.entries(ask)) answers.push([name, await answer(live, asked)]);
    return { explained: Object.fromEntries(answers) };
  },
});
