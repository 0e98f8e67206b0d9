/** How a sidecar receives: listeners, clusters to the application, route configurations with the access rules. */
import {
  Cluster_DiscoveryType,
  ClusterSchema,
  durationMs,
  HttpRbacFilterSchema,
  ListenerSchema,
  NetworkRbacFilterSchema,
  packAny,
  RBAC_Action,
  RBACPerRouteSchema,
  type RBACSchema,
  RouteConfigurationSchema,
  TlsInspectorSchema,
  TrafficDirection,
} from '#libs/envoy-api';
import type { Ctx } from '#libs/incremental';
import { invariant } from '#libs/kernel';
import type { InstanceSpec, Mesh, TcpPrincipal } from '#libs/model';
import { endpointAt, httpOptions, socketAddress } from './clusters.js';
import { inboundManager } from './http-manager.js';
import { ACCESS, type Access, INBOUND_PROTOCOL, splitInbound } from './inbound-ports.js';
import type { Init } from './init-message.js';
import { INSTANCE } from './inputs.js';
import { meshOf, trustDomainsOf } from './mesh-settings.js';
import {
  defaultRouteName,
  destinationKey,
  INBOUND_RBAC_ALLOW,
  INBOUND_RBAC_DENY,
  inboundName,
  nobody,
  spiffePrefix,
  statPrefix,
} from './names.js';
import { tcpProxy } from './outbound.js';
import { type ProxyPlan, planOfWorkload } from './proxy-patches.js';
import { defineResource, encoded } from './resource.js';
import { downstreamTls } from './tls.js';

type ListenerInit = Init<typeof ListenerSchema>;
type ChainInit = NonNullable<ListenerInit['filterChains']>[number];
type RbacInit = Init<typeof RBACSchema>;

/** Splits `<namespace>/<instance>/<port name>`; instance names may have dots, but no slash. */
function portOfInstance(ctx: Ctx, key: string): { readonly instance: InstanceSpec; readonly port: string } {
  const [namespace = '', name = '', port = ''] = key.split('/');
  const instance = ctx.input(INSTANCE, `${namespace}/${name}`);
  invariant(instance, `${key} is listed, so it is registered`);
  return { instance, port };
}

const workloadPort = (instance: InstanceSpec, port: string): string =>
  `${instance.namespace}/${instance.workload}/${port}`;

/** Cluster of one port of the application behind a sidecar, by `<namespace>/<instance>/<port name>`. */
export const INBOUND_CLUSTER = defineResource('inbound-cluster', (ctx, key) => {
  const { instance, port } = portOfInstance(ctx, key);
  const name = inboundName(port);
  const target = endpointAt(instance.app.address, instance.app.ports[port] ?? 0);
  const init: Init<typeof ClusterSchema> = {
    name,
    connectTimeout: durationMs(1000),
    clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.STATIC },
    loadAssignment: { clusterName: name, endpoints: [{ lbEndpoints: [target] }] },
    ...httpOptions(ctx.get(INBOUND_PROTOCOL, workloadPort(instance, port)), false),
  };
  return encoded(ClusterSchema, init, { name });
});

/**
 * Listener of one port, by `<namespace>/<instance>/<port name>`. STRICT: one chain, mutual TLS. PERMISSIVE: plaintext too.
 * Who may call is decided by the route configuration for HTTP, so that a policy changes no listener; for TCP by the
 * names that the TLS context accepts, since a network filter lets a server that speaks first be heard by anyone.
 */
export const INBOUND_LISTENER = defineResource('inbound-listener', (ctx, key) => {
  const { instance, port } = portOfInstance(ctx, key);
  const name = inboundName(port);
  const mesh = meshOf(ctx);
  const at = workloadPort(instance, port);
  const http = ctx.get(INBOUND_PROTOCOL, at) !== 'tcp';
  const plan = planOfWorkload(ctx, destinationKey(instance.namespace, instance.workload));
  const chains = http
    ? httpChains(ctx, name, { mesh, plan })
    : tcpChains(name, { mesh, plan, access: ctx.get(ACCESS, at) });
  const init: ListenerInit = {
    name,
    address: socketAddress(instance.bind.address, instance.bind.ports[port] ?? 0),
    trafficDirection: TrafficDirection.INBOUND,
    filterChains: chains,
    ...(chains.length > 1 ? inspected(http) : {}),
  };
  return encoded(ListenerSchema, init, { name, clusters: [name, ...plan.clusters] });
});

interface Given {
  readonly mesh: Mesh;
  readonly plan: ProxyPlan;
}

/** Tells TLS from plaintext by the first bytes. A TCP client may wait for the server to speak, so there silence is plaintext. */
const inspected = (http: boolean): ListenerInit => ({
  listenerFilters: [
    {
      name: 'envoy.filters.listener.tls_inspector',
      configType: { case: 'typedConfig', value: packAny(TlsInspectorSchema, {}) },
    },
  ],
  ...(http ? {} : { listenerFiltersTimeout: durationMs(2000), continueOnListenerFiltersTimeout: true }),
});

const httpChains = (ctx: Ctx, name: string, { mesh: { mtls }, plan }: Given): ChainInit[] => [
  {
    name: 'mtls',
    ...(mtls === 'PERMISSIVE' ? { filterChainMatch: { transportProtocol: 'tls' } } : {}),
    transportSocket: downstreamTls({ alpn: ['h2', 'http/1.1'], allowed: undefined }),
    filters: [inboundManager(ctx, name, { chain: 'mtls', plan })],
  },
  ...(mtls === 'PERMISSIVE'
    ? [
        {
          name: 'plain',
          filterChainMatch: { transportProtocol: 'raw_buffer' },
          filters: [inboundManager(ctx, name, { chain: 'plain', plan })],
        },
      ]
    : []),
];

/** Plaintext callers have no identity, so under a policy there is no chain for them. */
function tcpChains(name: string, { mesh, plan, access }: Given & { readonly access: Access }): ChainInit[] {
  const logs = plan.patch.accessLogs?.inbound.tcp;
  const plain = mesh.mtls === 'PERMISSIVE' && !access.restricted;
  const { names, denied } = tcpRules(trustDomainsOf(mesh), access);
  const secure: ChainInit = {
    name: 'mtls',
    ...(plain ? { filterChainMatch: { transportProtocol: 'tls' } } : {}),
    transportSocket: downstreamTls({ alpn: [], allowed: names }),
    filters: [...(denied.length > 0 ? [denying(name, denied)] : []), tcpProxy(name, name, logs)],
  };
  if (!plain) return [secure];
  const open: ChainInit = {
    name: 'plain',
    filterChainMatch: { transportProtocol: 'raw_buffer' },
    filters: [tcpProxy(`${name}_plain`, name, logs)],
  };
  return [secure, open];
}

/**
 * Names that the TLS context accepts: allowed ones without denied ones, never an empty list. A denied name inside an allowed
 * prefix cannot be said there; a network filter refuses it at the client's first byte.
 */
function tcpRules(domains: readonly string[], access: Access) {
  const allowed = access.tcpAllowed ?? domains.map((domain) => ({ prefix: spiffePrefix(domain) }));
  const left = allowed.filter((a) => !access.tcpDenied.some((d) => covers(d, a)));
  const names = left.length > 0 ? left : domains.map((domain) => ({ exact: nobody(domain) }));
  const denied = access.tcpDenied.filter((d) => names.some((a) => covers(a, d)));
  return { names, denied };
}

/** Whether every identity of `b` is one of `a`. */
function covers(a: TcpPrincipal, b: TcpPrincipal): boolean {
  const value = 'exact' in b ? b.exact : b.prefix;
  return 'exact' in a ? 'exact' in b && a.exact === value : value.startsWith(a.prefix);
}

const denying = (name: string, denied: readonly TcpPrincipal[]) => ({
  name: 'envoy.filters.network.rbac',
  configType: {
    case: 'typedConfig' as const,
    value: packAny(NetworkRbacFilterSchema, {
      statPrefix: statPrefix(name),
      rules: {
        action: RBAC_Action.DENY,
        policies: { denied: { permissions: [ANY_PERMISSION], principals: denied.map(authenticated) } },
      },
    }),
  },
});

const ANY_PERMISSION = { rule: { case: 'any' as const, value: true } };
const ANY_PRINCIPAL = { identifier: { case: 'any' as const, value: true } };

const authenticated = (principal: TcpPrincipal) => ({
  identifier: {
    case: 'authenticated' as const,
    value: {
      principalName: {
        matchPattern:
          'exact' in principal
            ? { case: 'exact' as const, value: principal.exact }
            : { case: 'prefix' as const, value: principal.prefix },
      },
    },
  },
});

/**
 * Route configuration of a workload's HTTP port with its access rules, by `<namespace>/<workload>/<port name>`. Its one
 * route leads to the application and has no timeout: callers have theirs.
 */
export const INBOUND_ROUTES = defineResource('inbound-routes', (ctx, key) => {
  const { namespace, workload, port } = splitInbound(key);
  const name = inboundName(port);
  const access = ctx.get(ACCESS, key);
  const allow = perRoute(RBAC_Action.ALLOW, access.allow ?? anyone(meshOf(ctx), access));
  const init: Init<typeof RouteConfigurationSchema> = {
    name,
    requestHeadersToRemove: FORGEABLE,
    virtualHosts: [
      {
        name: 'local',
        domains: ['*'],
        typedPerFilterConfig: {
          [INBOUND_RBAC_ALLOW]: allow,
          ...(access.deny ? { [INBOUND_RBAC_DENY]: perRoute(RBAC_Action.DENY, access.deny) } : {}),
        },
        routes: [
          {
            name: defaultRouteName('Workload', `${namespace}/${workload}`),
            match: { pathSpecifier: { case: 'prefix', value: '/' } },
            action: {
              case: 'route',
              value: { clusterSpecifier: { case: 'cluster', value: name }, timeout: durationMs(0) },
            },
          },
        ],
      },
    ],
  };
  return encoded(RouteConfigurationSchema, init, { name, clusters: [name] });
});

/**
 * What Envoy would tell an application about a request, but lets a caller say too: the connection manager drops the other
 * `x-envoy-*` headers of callers by itself (SEC-56, GHSA-ffhv-fvxq-r6mf). The number of the attempt is set anew by the
 * caller's sidecar.
 */
const FORGEABLE = ['x-envoy-decorator-operation', 'x-envoy-external-address', 'x-envoy-original-path'];

const perRoute = (action: RBAC_Action, rules: RbacInit) =>
  packAny(RBACPerRouteSchema, {
    rbac: {
      rules: { ...rules, action },
      rulesStatPrefix: action === RBAC_Action.ALLOW ? 'allow' : 'deny',
    } satisfies Init<typeof HttpRbacFilterSchema>,
  });

/** Without a rule that allows: any identity of the mesh; and under PERMISSIVE, where no policy applies at all, plaintext. */
function anyone(mesh: Mesh, access: Access): RbacInit {
  const open = mesh.mtls === 'PERMISSIVE' && !access.restricted;
  const named = trustDomainsOf(mesh).map((domain) => authenticated({ prefix: spiffePrefix(domain) }));
  const principals = open ? [ANY_PRINCIPAL] : named;
  return { policies: { mesh: { permissions: [ANY_PERMISSION], principals } } };
}
