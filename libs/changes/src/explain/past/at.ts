/** What a proxy was running at a time. */
import { INSTANCE, type MeshGraph, SELECTED } from '#libs/compiler';
import { changeId, err, ok, type Result } from '#libs/kernel';
import { type ResourceId, resourceKey } from '#libs/model';
import type { InstanceThen, Span, When } from '#libs/store';
import { Origins } from '../origins.js';
import { allProxies, findProxy } from '../proxies.js';
import { keyOf } from '../resources.js';
import type { EnvoyResource, Known, ProxyName, ProxyQuery } from '../types.js';
import { readable } from './content.js';
import { subjectOfName } from './subject.js';
import type {
  ChangeOf,
  ExplainPastDeps,
  HeldThen,
  InstanceOfService,
  Moment,
  NamedResource,
  PastRefusal,
  ProxyThen,
  ServiceThen,
} from './types.js';

type Query = ProxyQuery & { readonly at: Moment; readonly resource?: NamedResource | undefined };

/** When, and what is known of it. */
interface Found {
  readonly at: string;
  readonly span: Span;
}

interface Scene {
  readonly deps: ExplainPastDeps;
  readonly graph: MeshGraph;
  readonly mesh: string;
  readonly proxy: ProxyName;
}

export async function proxyAt(
  deps: ExplainPastDeps,
  graph: MeshGraph,
  query: Query,
): Promise<Result<ProxyThen, PastRefusal>> {
  const { mesh, namespace, name } = query;
  const registered = findProxy(graph, namespace, name);
  // One that is gone is known by its own name only.
  const proxy = registered ?? { namespace, instance: name, workload: '' };
  const scene = { deps, graph, mesh, proxy };
  const found = await find(scene, query.at);
  if (!found.ok) {
    const isUnknown = !registered && found.error.code === 'nothing-known' && found.error.next === undefined;
    return isUnknown ? err({ code: 'unknown-proxy', proxies: allProxies(graph) }) : found;
  }
  return described(scene, { ...found.value, registered: registered !== undefined, asked: query.resource });
}

async function find(scene: Scene, moment: Moment): Promise<Result<Found, PastRefusal>> {
  const { deps, mesh, proxy } = scene;
  const { spans } = deps.store;
  const instance = keyOf(proxy);
  if ('revision' in moment) {
    const change = await changeOf(deps, mesh, moment.revision);
    if (change?.change !== changeId(moment.revision)) return unknownRevision(deps, moment.revision);
    const span = await spans.ofRevision(mesh, instance, moment.revision);
    if (span) return ok({ span, at: span.since > change.at ? span.since : change.at });
    // It changed nothing of what the proxy holds.
    return findAt(scene, { time: change.at });
  }
  return findAt(scene, moment);
}

async function findAt({ deps, mesh, proxy }: Scene, when: When): Promise<Result<Found, PastRefusal>> {
  const { at, now, span, next } = await deps.store.spans.at(mesh, keyOf(proxy), when);
  if (at > now) return err({ code: 'future', now });
  return span ? ok({ span, at }) : err({ code: 'nothing-known', proxy, at, next });
}

async function unknownRevision({ store }: ExplainPastDeps, revision: number): Promise<Result<never, PastRefusal>> {
  const { configRevision: head } = await store.identity();
  return err({ code: 'unknown-revision', revision, head });
}

/** The change of the mesh that a config revision was, or the last before it. */
async function changeOf({ store }: ExplainPastDeps, mesh: string, revision: number): Promise<ChangeOf | undefined> {
  const [entry] = await store.history.list({ mesh, limit: 1, before: revision + 1 });
  return entry && { change: entry.change, at: entry.at };
}

/** The newest config revision of the mesh at a time; 0 = none is known. */
async function revisionAt({ store }: ExplainPastDeps, mesh: string, at: string): Promise<number> {
  const until = new Date(Date.parse(at) + 1).toISOString();
  const [entry] = await store.history.list({ mesh, limit: 1, until });
  return entry?.revision ?? 0;
}

interface Asked extends Found {
  readonly registered: boolean;
  readonly asked: NamedResource | undefined;
}

async function described(
  scene: Scene,
  { at, span, registered, asked }: Asked,
): Promise<Result<ProxyThen, PastRefusal>> {
  const { deps, graph, mesh, proxy } = scene;
  const { spans } = deps.store;
  const held = await spans.resources(mesh, [span.manifest, span.own]);
  const subject = ({ type, name }: NamedResource): ResourceId => subjectOfName(graph.ctx, proxy, type, name);
  const called = new Map(
    held
      .filter(({ type }) => type === 'CDS')
      .map(subject)
      .filter(({ kind }) => kind !== 'Proxy')
      .map((id) => [resourceKey(id), id]),
  );
  const namespaces = [...new Set([...called.values()].map(({ namespace }) => namespace))];
  const states = await spans.instancesAt(mesh, namespaces, at);
  const origins = new Origins(deps.store.history, mesh);
  origins.add(...[...held, ...span.pins].map(subject), ...called.values());
  await origins.load();
  const about = (one: NamedResource): EnvoyResource => ({
    ...{ type: one.type, name: one.name },
    about: origins.known(subject(one)),
  });
  const resources = held.map((one): HeldThen => ({ ...one, ...about(one) })).sort(byOrder);
  const answer: ProxyThen = {
    ...{ proxy, registered, at, replica: span.replica, since: span.since, until: span.until },
    attached: span.until === undefined || span.until > at,
    revision: span.revision,
    meshRevision: await revisionAt(deps, mesh, at),
    resources,
    refused: span.pins.map((pin) => ({ ...about(pin), hash: pin.hash, message: pin.message })),
    ...instancesThen(
      graph,
      [...called.values()].map((id) => origins.known(id)),
      states,
    ),
  };
  if (asked === undefined) return ok(answer);
  const one = resources.find(({ type, name }) => type === asked.type && name === asked.name);
  if (!one) return err({ code: 'unknown-resource', resources });
  const bytes = await spans.content(mesh, one.type, one.hash);
  const change = one.revision === undefined ? undefined : await changeOf(deps, mesh, one.revision);
  return ok({ ...answer, resource: { ...one, content: readable(one.type, bytes), change } });
}

/** By type, in the order in which Envoy is sent them, and name. */
const ORDER = ['CDS', 'LDS', 'SRDS', 'RDS'];
const byOrder = (a: NamedResource, b: NamedResource): number =>
  ORDER.indexOf(a.type) - ORDER.indexOf(b.type) || (a.name < b.name ? -1 : 1);

function instancesThen(
  { ctx, instances }: MeshGraph,
  called: readonly Known[],
  states: readonly InstanceThen[],
): Pick<ProxyThen, 'services' | 'gone'> {
  const then = new Map(states.map(({ namespace, name, routable }) => [`${namespace}/${name}`, routable]));
  const services = called.map(
    (about): ServiceThen => ({
      about,
      instances: ctx.get(SELECTED, `${about.namespace}/${about.name}`).map((key) => stateOf(key, then.get(key))),
    }),
  );
  const registered = new Set(instances.filter((key) => ctx.input(INSTANCE, key)));
  const gone = [...then].filter(([key, routable]) => routable && !registered.has(key));
  return { services, gone: gone.map(([key]) => stateOf(key, true)) };
}

function stateOf(key: string, routable: boolean | undefined): InstanceOfService {
  const [namespace = '', name = ''] = key.split('/');
  return { namespace, name, state: routable === undefined ? 'unknown' : routable ? 'routable' : 'not routable' };
}
