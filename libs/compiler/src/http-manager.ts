/** The HTTP connection managers of sidecars: outbound towards the mesh, inbound towards the application. */
import {
  type Any,
  ComparisonFilter_Op,
  durationMs,
  HTTP_FILTER_PHASES,
  HttpConnectionManager_CodecType,
  HttpConnectionManager_ForwardClientCertDetails,
  HttpConnectionManager_PathWithEscapedSlashesAction,
  HttpConnectionManagerSchema,
  type HttpFilterPhase,
  HttpProtocolOptions_HeadersWithUnderscoresAction,
  HttpRbacFilterSchema,
  packAny,
  RBAC_Action,
  RouterSchema,
} from '#libs/envoy-api';
import type { Ctx } from '#libs/incremental';
import { sortedBy } from '#libs/kernel';
import { accessLog } from './access-logs.js';
import { MAX_CONNECTION_MS } from './clusters.js';
import type { Init } from './init-message.js';
import { settingsOf } from './mesh-settings.js';
import { INBOUND_RBAC_ALLOW, INBOUND_RBAC_DENY, statPrefix } from './names.js';
import type { ProxyPlan } from './proxy-patches.js';
import { ADS } from './tls.js';

type ManagerInit = Init<typeof HttpConnectionManagerSchema>;

/** Idle streams end after 5 min at the caller, where policies may change it. */
const CALLER_IDLE_MS = 300_000;
/** The callee cuts only what no caller wants any more: whatever a caller's policy allows up to an hour works. */
const CALLEE_IDLE_MS = 3_600_000;

/** Bounds on what one HTTP/2 peer may make a sidecar hold (CVE-2023-44487 and its kin). */
const HTTP2_LIMITS = {
  maxConcurrentStreams: 1024,
  initialStreamWindowSize: 1 << 20,
  initialConnectionWindowSize: 16 << 20,
};

interface FilterSpec {
  readonly name: string;
  readonly phase: HttpFilterPhase;
  readonly config: Any;
}

const router = (init: Init<typeof RouterSchema>): FilterSpec => ({
  name: 'envoy.filters.http.router',
  phase: 'router',
  config: packAny(RouterSchema, init),
});
type Side = 'client' | 'server';

/** The callee makes one attempt, which is the request. */
const routerOf = (side: Side, { patch }: ProxyPlan): FilterSpec =>
  router(side === 'client' ? { upstreamLog: [accessLog('attempt', patch.sampleOneIn)] } : {});

/**
 * Deny before allow (SEC-50). The route configuration brings the rules, so that changing them drains no connection; by
 * itself the first filter denies nothing and the second everything, so a missing rule fails closed.
 */
const INBOUND_RBAC: readonly FilterSpec[] = [
  {
    name: INBOUND_RBAC_DENY,
    phase: 'authz',
    config: packAny(HttpRbacFilterSchema, { rulesStatPrefix: 'deny' }),
  },
  {
    name: INBOUND_RBAC_ALLOW,
    phase: 'authz',
    config: packAny(HttpRbacFilterSchema, {
      rules: { action: RBAC_Action.ALLOW, policies: {} },
      rulesStatPrefix: 'allow',
    }),
  },
];

/**
 * Filters in the order of their phases: our own first within a phase, then those of policy kinds by name. They stand in
 * the chain whether a policy uses them or not, so that the first policy changes no listener.
 */
function httpFilters(ctx: Ctx, side: Side, plan: ProxyPlan): NonNullable<ManagerInit['httpFilters']> {
  const own = side === 'server' ? INBOUND_RBAC : [];
  const ofKinds = sortedBy(
    settingsOf(ctx)[side].flatMap((kind) => kind.httpFilters ?? []),
    (filter) => filter.name,
  );
  const unique = [
    ...new Map([...own, ...ofKinds, routerOf(side, plan)].map((filter) => [filter.name, filter])).values(),
  ];
  return HTTP_FILTER_PHASES.flatMap((phase) => unique.filter((filter) => filter.phase === phase)).map((filter) => ({
    name: filter.name,
    configType: { case: 'typedConfig', value: filter.config },
  }));
}

const HTTP_MANAGER = 'envoy.filters.network.http_connection_manager';

const networkFilter = (init: ManagerInit) => ({
  name: HTTP_MANAGER,
  configType: { case: 'typedConfig' as const, value: packAny(HttpConnectionManagerSchema, init) },
});

type NetworkFilter = ReturnType<typeof networkFilter>;

/** Most proxies have the same managers, which follow from a name and the kinds of policies alone: each is packed once. */
const PACKED = new WeakMap<object, Map<string, NetworkFilter>>();
/** Managers that are kept, of a few KB each; then they are packed anew. */
const MAX_PACKED = 500;

function packedOnce(ctx: Ctx, name: string, make: () => NetworkFilter): NetworkFilter {
  const settings = settingsOf(ctx);
  const packed = PACKED.get(settings) ?? new Map<string, NetworkFilter>();
  PACKED.set(settings, packed);
  const known = packed.get(name);
  if (known) return known;
  if (packed.size >= MAX_PACKED) packed.clear();
  const made = make();
  packed.set(name, made);
  return made;
}

const COMMON: ManagerInit = {
  codecType: HttpConnectionManager_CodecType.AUTO,
  upgradeConfigs: [{ upgradeType: 'websocket' }],
  generateRequestId: true,
  /** WebSocket over HTTP/2 gets 503 without it. */
  http2ProtocolOptions: { allowConnect: true, ...HTTP2_LIMITS },
};

const CONNECT_TEXT =
  'heddle: this port is a plain HTTP proxy for services of the mesh. Use http:// (the sidecar encrypts); for gRPC, TLS or ' +
  "TCP use the service's own address (heddle proxy check), and add the host to no_proxy.\n";
const NOT_FOUND_TEXT = 'heddle: no service of this mesh has this host name, or no route matches\n';

/** Answers that say what to do: CONNECT gets 405 (gRPC and https clients send it to a proxy), an unknown host 404. */
const LOCAL_REPLIES: NonNullable<ManagerInit['localReplyConfig']> = {
  mappers: [
    {
      filter: {
        filterSpecifier: {
          case: 'headerFilter',
          value: {
            header: {
              name: ':method',
              headerMatchSpecifier: {
                case: 'stringMatch',
                value: { matchPattern: { case: 'exact', value: 'CONNECT' } },
              },
            },
          },
        },
      },
      statusCode: 405,
      body: { specifier: { case: 'inlineString', value: CONNECT_TEXT } },
      headersToAdd: [{ header: { key: 'allow', value: 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS' } }],
    },
    {
      filter: { filterSpecifier: { case: 'andFilter', value: { filters: [statusIs(404), routeNotFound()] } } },
      body: { specifier: { case: 'inlineString', value: NOT_FOUND_TEXT } },
    },
  ],
};

function statusIs(status: number) {
  const value = { defaultValue: status, runtimeKey: 'heddle.local_reply_status' };
  const comparison = { op: ComparisonFilter_Op.EQ, value };
  return { filterSpecifier: { case: 'statusCodeFilter' as const, value: { comparison } } };
}

function routeNotFound() {
  return { filterSpecifier: { case: 'responseFlagFilter' as const, value: { flags: ['NR'] } } };
}

const OUTBOUND: ManagerInit = {
  ...COMMON,
  /** The default, said for clarity: `http_proxy` clients send absolute URLs. */
  httpProtocolOptions: { allowAbsoluteUrl: true },
  streamIdleTimeout: durationMs(CALLER_IDLE_MS),
  localReplyConfig: LOCAL_REPLIES,
};

/** The shared port: the host, without its port, selects the destination's own route configuration. */
export const scopedManager = (ctx: Ctx, name: string, plan: ProxyPlan): NetworkFilter =>
  packedOnce(ctx, `${name} ${plan.id}`, () => newScopedManager(ctx, name, plan));

/** What a sidecar tells of what passes through it: Heddle, and whom policies name. */
const told = ({ patch }: ProxyPlan, direction: 'outbound' | 'inbound'): ManagerInit => ({
  accessLog: [
    accessLog(direction === 'outbound' ? 'request' : 'served', patch.sampleOneIn),
    ...(patch.accessLogs?.[direction].http ?? []),
  ],
  ...(patch.tracing && { tracing: patch.tracing }),
});

function newScopedManager(ctx: Ctx, name: string, plan: ProxyPlan): NetworkFilter {
  const authority = { name: ':authority', elementSeparator: ':', extractType: { case: 'index' as const, value: 0 } };
  return networkFilter({
    ...OUTBOUND,
    ...told(plan, 'outbound'),
    statPrefix: statPrefix(name),
    routeSpecifier: {
      case: 'scopedRoutes',
      value: {
        name,
        scopeKeyBuilder: { fragments: [{ type: { case: 'headerValueExtractor', value: authority } }] },
        rdsConfigSource: ADS,
        configSpecifier: { case: 'scopedRds', value: { scopedRdsConfigSource: ADS } },
      },
    },
    httpFilters: httpFilters(ctx, 'client', plan),
  });
}

const rds = (routeConfigName: string) => ({
  case: 'rds' as const,
  value: { routeConfigName, configSource: ADS },
});

/** The address of one service port. */
export const outboundManager = (
  ctx: Ctx,
  name: string,
  { routeTable, plan }: { readonly routeTable: string; readonly plan: ProxyPlan },
) =>
  networkFilter({
    ...OUTBOUND,
    ...told(plan, 'outbound'),
    statPrefix: statPrefix(name),
    routeSpecifier: rds(routeTable),
    httpFilters: httpFilters(ctx, 'client', plan),
  });

/**
 * Inbound. Paths are made canonical before anything is decided on them, and what could be read in two ways is refused
 * (SEC-51, SEC-53). The identity header is what TLS says, never what the caller says (SEC-56).
 */
export const inboundManager = (ctx: Ctx, name: string, of: Inbound): NetworkFilter =>
  packedOnce(ctx, `${name} ${of.chain} ${of.plan.id}`, () => newInboundManager(ctx, name, of));

interface Inbound {
  readonly chain: 'mtls' | 'plain';
  readonly plan: ProxyPlan;
}

const newInboundManager = (ctx: Ctx, name: string, { chain, plan }: Inbound): NetworkFilter =>
  networkFilter({
    ...COMMON,
    statPrefix: statPrefix(chain === 'mtls' ? name : `${name}_plain`),
    streamIdleTimeout: durationMs(CALLEE_IDLE_MS),
    preserveExternalRequestId: true,
    ...told(plan, 'inbound'),
    ...(chain === 'mtls'
      ? {
          forwardClientCertDetails: HttpConnectionManager_ForwardClientCertDetails.SANITIZE_SET,
          setCurrentClientCertDetails: { uri: true },
        }
      : { forwardClientCertDetails: HttpConnectionManager_ForwardClientCertDetails.SANITIZE }),
    normalizePath: true,
    mergeSlashes: true,
    pathWithEscapedSlashesAction: HttpConnectionManager_PathWithEscapedSlashesAction.REJECT_REQUEST,
    commonHttpProtocolOptions: {
      headersWithUnderscoresAction: HttpProtocolOptions_HeadersWithUnderscoresAction.REJECT_REQUEST,
      maxConnectionDuration: durationMs(MAX_CONNECTION_MS),
    },
    routeSpecifier: rds(name),
    httpFilters: httpFilters(ctx, 'server', plan),
  });
