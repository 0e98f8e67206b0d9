import { z } from 'zod';
import {
  ClusterSchema,
  create,
  encode,
  HttpConnectionManagerSchema,
  ListenerSchema,
  type MessageInitShape,
  packAny,
  RBACSchema,
  RouteConfigurationSchema,
  resourceToJson,
  TYPE,
  toJson,
} from '#libs/envoy-api';
import {
  type AccessLogs,
  type ClusterPatch,
  type Contribution,
  createRegistry,
  type InboundContext,
  type InboundPatch,
  orderContributions,
  type Policy,
  type PolicyKind,
  type ProxyContext,
  type ProxyPatch,
  parseDocuments,
  printId,
  type RoutePatch,
} from '#libs/model';
import { goldenSuite } from './golden-suite.js';

/** Where server-side policies are translated for: an HTTP port and a TCP port of one workload. */
const PLACE = {
  mesh: 'default',
  trustDomains: ['default.heddle.local'],
  namespace: 'shop',
  workload: 'orders',
} as const;
const PORTS: readonly InboundContext[] = [
  { ...PLACE, protocol: 'http', port: 'http' },
  { ...PLACE, protocol: 'tcp', port: 'tcp' },
];

/**
 * Goldens of a policy kind. An input is a file of its manifests, the older first; all of them are taken to apply to one
 * target. `xds` is the effective value with its provenance and what it contributes to Envoy's configuration;
 * `violations` is what is wrong with an input, instead.
 */
export function policyGoldens<Spec, Effective>(kind: PolicyKind<Spec, Effective>, directory: string): void {
  const registry = createRegistry([kind as PolicyKind]);
  goldenSuite({
    title: `goldens of ${kind.kind}`,
    directory,
    layout: 'folders',
    produce: (input) => {
      const parsed = parseDocuments(input).map(({ result }) =>
        result.ok ? registry.parse(result.value, PLACE.mesh) : result,
      );
      const violations = parsed.flatMap((each) => (each.ok ? [] : each.error));
      if (violations.length > 0) return { violations };
      const contributions = parsed.flatMap((each, index) => {
        if (!each.ok) return [];
        const { namespace, name } = each.value.manifest.metadata;
        const domain = each.value.toDomain({
          kind: kind.kind,
          namespace,
          name,
          revision: index + 1,
          createdRevision: index + 1,
        });
        return domain.type === 'Policy' ? [contribution<Spec>(domain.value)] : [];
      });
      return { xds: translated(kind, orderContributions(contributions)) };
    },
  });
}

const contribution = <Spec>({ spec, source, target }: Policy): Contribution<Spec> => ({
  spec: spec as Spec,
  source,
  level: target.level,
});

function translated<Spec, Effective>(
  kind: PolicyKind<Spec, Effective>,
  contributions: readonly Contribution<Spec>[],
): unknown {
  const effective = kind.resolve(contributions);
  const contributors = kind.contributors(effective).map(printId);
  const shadowed = contributions.map(({ source }) => printId(source)).filter((name) => !contributors.includes(name));
  return {
    contributors,
    shadowed,
    effective,
    ...(kind.toRoute && { route: routeJson(kind.toRoute(effective)) }),
    ...(kind.toCluster && { cluster: clusterJson(kind.toCluster(effective)) }),
    ...(kind.toProxy && proxy(kind.toProxy(effective, PROXY))),
    ...(kind.toMetrics && { metrics: kind.toMetrics(effective) }),
    ...(kind.toInbound && inbound(PORTS.map((port) => [port.protocol, kind.toInbound?.(effective, port)]))),
  };
}

/** Every backend is there but those named `missing`; ports up to 4317 are gRPC. */
const PROXY: ProxyContext = {
  workload: PLACE.workload,
  backend: ({ namespace, name, port }) =>
    name === 'missing'
      ? undefined
      : {
          cluster: `${namespace}/${name}/${port}`,
          protocol: port <= 4317 ? 'grpc' : 'http',
          authority: `${name}.${namespace}`,
        },
};

const logsJson = (logs: AccessLogs): unknown => managerJson({ accessLog: [...logs] });

/** As a listener, since that is what knows how to print every message inside. */
function managerJson(init: MessageInitShape<typeof HttpConnectionManagerSchema>): unknown {
  const manager = {
    name: 'x',
    configType: { case: 'typedConfig' as const, value: packAny(HttpConnectionManagerSchema, init) },
  };
  const listener = encode(ListenerSchema, { filterChains: [{ filters: [manager] }] });
  const printed = z
    .object({
      filterChains: z.array(
        z.object({ filters: z.array(z.object({ typedConfig: z.record(z.string(), z.unknown()) })) }),
      ),
    })
    .parse(resourceToJson(TYPE.listener, listener));
  const { '@type': _, ...fields } = printed.filterChains[0]?.filters[0]?.typedConfig ?? {};
  return fields;
}

const proxy = ({ accessLogs, tracing, ...rest }: ProxyPatch): object => ({
  proxy: {
    ...rest,
    ...(accessLogs && {
      outbound: { http: logsJson(accessLogs.outbound.http), tcp: logsJson(accessLogs.outbound.tcp) },
      inbound: { http: logsJson(accessLogs.inbound.http), tcp: logsJson(accessLogs.inbound.tcp) },
    }),
    ...(tracing && { tracing: managerJson({ tracing }) }),
  },
});

const inbound = (ports: readonly (readonly [string, InboundPatch | undefined])[]): object => ({
  inbound: Object.fromEntries(ports.map(([protocol, patch]) => [protocol, patch && inboundJson(patch)])),
});

const inboundJson = ({ allow, deny, ...tcp }: InboundPatch): unknown => ({
  ...(allow && { allow: toJson(RBACSchema, create(RBACSchema, allow)) }),
  ...(deny && { deny: toJson(RBACSchema, create(RBACSchema, deny)) }),
  ...tcp,
});

/** As a route configuration, since that is what knows how to print every message inside. */
const routeJson = ({ action = {}, typedPerFilterConfig = {} }: RoutePatch): unknown =>
  resourceToJson(
    TYPE.route,
    encode(RouteConfigurationSchema, {
      virtualHosts: [
        { routes: [{ action: { case: 'route', value: action }, typedPerFilterConfig: { ...typedPerFilterConfig } }] },
      ],
    }),
  );

const clusterJson = ({ cluster = {} }: ClusterPatch): unknown =>
  resourceToJson(TYPE.cluster, encode(ClusterSchema, cluster));
