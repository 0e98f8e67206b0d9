/** What a request of a proxy's application will use, and why not something else. */

import {
  destinationKey,
  destinationOf,
  INSTANCE,
  isHttp,
  type MeshGraph,
  OUTBOUND_LISTENER,
  outboundListenerName,
  type PolicyPlace,
  placesOfResource,
  portOfListener,
  revisionOf,
  routeName,
  ruleAt,
  SELECTED,
  splitClusterName,
  splitDestinationKey,
  splitRouteName,
  splitScopeName,
} from '#libs/compiler';
import { type Cluster, ClusterLoadAssignmentSchema, ClusterSchema, fromBinary, TYPE } from '#libs/envoy-api';
import type { Ctx } from '#libs/incremental';
import { hostInUrl, hostPort } from '#libs/kernel';
import type { ResourceId } from '#libs/model';
import { evaluate } from '../replay/evaluate.js';
import { splitPort } from '../replay/manager.js';
import { routingConfigs } from '../replay/routing-config.js';
import type { Evaluation, RoutingConfig, SampleRequest } from '../replay/types.js';
import { type Reasons, requestText, why } from '../replay/words.js';
import { fieldsAt, ownAt, ownField, type PlacedField, policyField } from './fields.js';
import type { Origins } from './origins.js';
import { envoyResource, type Placed, placedFor } from './resources.js';
import type { ExplainedCluster, ProxyName, RequestExplanation } from './types.js';

interface Asked {
  readonly graph: MeshGraph;
  readonly origins: Origins;
  readonly proxy: ProxyName;
}

/** Everything of one question. */
interface Scene {
  readonly ctx: Ctx;
  readonly origins: Origins;
  readonly placed: readonly Placed[];
}

export async function explainRequest(
  { graph, origins, proxy }: Asked,
  request: SampleRequest,
): Promise<Omit<RequestExplanation, 'revision' | 'runtimeRevision'>> {
  const { ctx } = graph;
  const placed = placedFor(ctx, proxy);
  const scene: Scene = { ctx, origins, placed };
  const destination = destinationFor(scene, proxy, request);
  const taken = listenerFor(scene, destination, request);
  if (!taken.config) return nothing(scene, { proxy, request, destination, taken });
  const evaluation = evaluate(taken.config, request);
  const reasons = why(taken.config, request);
  const places = placesTaken(scene, evaluation);
  const fields = fieldsAt(ctx, origins, places);
  const own = ownAt(ctx, origins, places);
  const clusters = clustersOf(scene, evaluation);
  const routes = [evaluation.route ?? '', ...reasons.others.map(({ route }) => route)].flatMap(idOfRoute);
  origins.add(
    ...[...routes, ...(destination ? [destination] : [])].map((id) => ({ ...id, revision: revisionOf(ctx, id) })),
  );
  await origins.load();
  const by = (route: string) => idOfRoute(route).map((id) => origins.written(id))[0];
  return {
    ...{ proxy, request: reasons.request, listener: taken.name },
    about: destination && origins.known(destination),
    ...{ destination: reasons.destination, place: reasons.place, effects: reasons.effects },
    route: evaluation.route === undefined ? undefined : { name: evaluation.route, by: by(evaluation.route) },
    clusters: clusters.map((cluster) => explainedCluster(origins, cluster)),
    policies: fields.map((field) => policyField(origins, field)),
    own: own.map((field) => ownField(origins, field)),
    others: othersOf(reasons.others, evaluation.route).map((other) => ({ ...other, by: by(other.route) })),
  };
}

/** Each rule once, however many routes it became; not that which was taken. */
function othersOf(others: Reasons['others'], taken: string | undefined): Reasons['others'] {
  const unique = new Map(others.map((other) => [`${other.route}\n${other.reason}`, other]));
  return [...unique.values()].filter(({ route }) => route !== taken || route === '');
}

/** The destination whose name the request's host is, as far as the proxy has it. */
function destinationFor({ ctx, placed }: Scene, proxy: ProxyName, request: SampleRequest): ResourceId | undefined {
  const host = splitPort(request.authority).name.toLowerCase();
  const scope = placed.find(({ content, name }) => content.type === TYPE.scopedRoute && isScopeOf(host, name));
  // Names of what has no HTTP port are in no scope.
  const [name = '', namespace = proxy.namespace] = host.split('.');
  const key = scope ? splitScopeName(scope.name).destination : destinationKey(namespace, name);
  const destination = destinationOf(ctx, key);
  return (
    destination && { kind: destination.kind, namespace: destination.value.namespace, name: destination.value.name }
  );
}

interface Taken {
  /** '' = no listener. */
  readonly name: string;
  /** Undefined = it does not look at requests. */
  readonly config: RoutingConfig | undefined;
}

/** A port with an address of its own takes its requests there; all others are for the shared port. */
function listenerFor({ ctx, placed }: Scene, destination: ResourceId | undefined, request: SampleRequest): Taken {
  const port = destination && portFor(ctx, destination, request);
  const own = destination && outboundListenerName(destinationKey(destination.namespace, destination.name), port ?? 0);
  const has = (listener: string): boolean => placed.some(({ type, name }) => type === 'LDS' && name === listener);
  const name = own !== undefined && has(own) ? own : has(OUTBOUND_LISTENER) ? OUTBOUND_LISTENER : '';
  return { name, config: routingConfigs(concerning(placed, name, request)).get(name) };
}

/** What a listener decides with for the request: of thousands of names and tables a few can be meant. */
function concerning(placed: readonly Placed[], listener: string, { authority }: SampleRequest) {
  const host = splitPort(authority).name.toLowerCase();
  const scopes = placed.filter(({ type, name }) => type === 'SRDS' && isScopeOf(host, name));
  const tables = new Set([portOfListener(listener), ...scopes.map(({ name }) => splitScopeName(name).destination)]);
  return [
    ...placed.filter(({ type, name }) => type === 'LDS' && name === listener),
    ...scopes,
    ...placed.filter(({ type, name }) => type === 'RDS' && tables.has(name)),
  ].map(({ content }) => content);
}

/** That of the request, else the first that speaks HTTP: the bare host means that one. */
function portFor(ctx: Ctx, { namespace, name }: ResourceId, { authority }: SampleRequest): number {
  const written = /:(\d{1,5})$/.exec(authority)?.[1];
  if (written !== undefined) return Number(written);
  const ports = destinationOf(ctx, destinationKey(namespace, name))?.value.ports ?? [];
  return (ports.find(isHttp) ?? ports[0])?.port ?? 0;
}

async function nothing(
  { origins }: Scene,
  asked: {
    readonly proxy: ProxyName;
    readonly request: SampleRequest;
    readonly destination: ResourceId | undefined;
    readonly taken: Taken;
  },
): Promise<Omit<RequestExplanation, 'revision' | 'runtimeRevision'>> {
  const { proxy, request, destination, taken } = asked;
  if (destination) origins.add(destination);
  await origins.load();
  return {
    ...{ proxy, request: requestText(request), listener: taken.name },
    about: destination && origins.known(destination),
    destination:
      taken.name === ''
        ? 'nowhere: this proxy has no listener for it'
        : `${portOfListener(taken.name)} as bytes: a TCP port looks at no request`,
    ...{ place: '', effects: [], route: undefined, clusters: [], policies: [], own: [], others: [] },
  };
}

/** Where policies took part in the route that was taken. */
function placesTaken({ ctx, placed }: Scene, { table, virtualHost, route }: Evaluation): readonly PolicyPlace[] {
  const found = placed.find(({ type, name }) => type === 'RDS' && name === table);
  if (!found || route === undefined) return [];
  const port = Number(virtualHost);
  return placesOfResource(ctx, found.content.cell).filter((place) => {
    const { route: by, rule } = ruleAt(ctx, place) ?? {};
    if (by && rule && routeName(by.kind, by.namespace, by.name, rule.name) !== route) return false;
    const target = place.targets.find(({ level }) => level === 'ServicePort');
    const destination = target && destinationOf(ctx, destinationKey(target.namespace, target.name));
    return destination?.value.ports.some((one) => one.name === target?.section && one.port === port) ?? false;
  });
}

interface FoundCluster extends Omit<ExplainedCluster, 'about' | 'policies' | 'guards'> {
  readonly subject: ResourceId;
  readonly policies: readonly PlacedField[];
  readonly guards: readonly PlacedField[];
}

const explainedCluster = (
  origins: Origins,
  { subject, policies, guards, ...cluster }: FoundCluster,
): ExplainedCluster => ({
  ...cluster,
  ...envoyResource(origins, { ...cluster, subject }),
  policies: policies.map((field) => policyField(origins, field)),
  guards: guards.map((field) => policyField(origins, field)),
});

function clustersOf(scene: Scene, { verdict }: Evaluation): readonly FoundCluster[] {
  if (verdict.type !== 'forwarded') return [];
  return verdict.clusters.flatMap(({ cluster, share }) => {
    const placed = scene.placed.find(({ type, name }) => type === 'CDS' && name === cluster);
    return placed ? [foundCluster(scene, placed, share)] : [];
  });
}

function foundCluster(scene: Scene, { type, name, subject, content }: Placed, share: number): FoundCluster {
  const { ctx, origins, placed } = scene;
  origins.add(subject);
  const assigned = placed.find((one) => one.type === 'EDS' && one.name === name);
  const addresses = assigned
    ? addressesOf(fromBinary(ClusterLoadAssignmentSchema, assigned.content.bytes))
    : addressesOf(fromBinary(ClusterSchema, content.bytes).loadAssignment);
  return {
    ...{ type, name, subject, share },
    ...endpointsOf(ctx, name, addresses),
    policies: fieldsAt(ctx, origins, placesOfResource(ctx, content.cell)),
    guards: guardsOf(scene, name),
  };
}

function addressesOf(assignment: Cluster['loadAssignment']): readonly string[] {
  return (assignment?.endpoints ?? []).flatMap(({ lbEndpoints }) =>
    lbEndpoints.flatMap(({ hostIdentifier }) => {
      const at = hostIdentifier.case === 'endpoint' ? hostIdentifier.value.address?.address : undefined;
      if (at?.case !== 'socketAddress') return [];
      const { address, portSpecifier } = at.value;
      return portSpecifier.case === 'portValue' ? [hostPort(address, portSpecifier.value)] : [hostInUrl(address)];
    }),
  );
}

function selectedBy(ctx: Ctx, cluster: string) {
  const { destination: key, port: number, subset } = splitClusterName(cluster);
  const { namespace } = splitDestinationKey(key);
  const port = destinationOf(ctx, key)?.value.ports.find((one) => one.port === number);
  const instances = ctx.get(SELECTED, subset === '' ? key : `${key}/${subset}`);
  return { namespace, port, instances: instances.flatMap((one) => ctx.input(INSTANCE, one) ?? []) };
}

function endpointsOf(
  ctx: Ctx,
  cluster: string,
  addresses: readonly string[],
): Pick<ExplainedCluster, 'endpoints' | 'others'> {
  const { port, instances } = selectedBy(ctx, cluster);
  const at = new Map<string, string>(
    instances.map(({ name, advertised, bind }) => [
      hostPort(advertised, (port && bind.ports[port.targetPort]) ?? ''),
      name,
    ]),
  );
  const used = new Set(addresses.map((address) => at.get(address)));
  return {
    endpoints: addresses.map((address) => ({ address, instance: at.get(address) })),
    others: instances
      .filter(({ name }) => !used.has(name))
      .map(({ name, bind }) => ({
        instance: name,
        reason:
          port && !(port.targetPort in bind.ports)
            ? `its sidecar has no port ${port.targetPort}`
            : 'not ready: its sidecar is not connected, has not confirmed its configuration, or is leaving',
      })),
  };
}

/** Who decides at the sidecars of a cluster. */
function guardsOf({ ctx, origins }: Scene, cluster: string): readonly PlacedField[] {
  const { namespace, port, instances } = selectedBy(ctx, cluster);
  const workloads = [...new Set(instances.map(({ workload }) => workload))];
  const places = workloads.flatMap((workload) =>
    port ? placesOfResource(ctx, `inbound-routes|${namespace}/${workload}/${port.targetPort}`) : [],
  );
  const fields = fieldsAt(ctx, origins, places);
  return [...new Map(fields.map((one) => [`${one.kind}/${one.from.namespace}/${one.from.name}`, one])).values()];
}

const isScopeOf = (host: string, scope: string): boolean => splitScopeName(scope).alias === host;

/** The manifest of a route; the route of a port without any is called by its service. */
function idOfRoute(route: string): readonly ResourceId[] {
  const { kind, namespace, name } = splitRouteName(route);
  return name === '' ? [] : [{ kind, namespace, name }];
}
