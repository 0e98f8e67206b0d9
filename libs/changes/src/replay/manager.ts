/** What the HTTP connection manager does to a request before it looks at routes, and which route configuration it asks. */
import {
  HttpConnectionManager_PathWithEscapedSlashesAction as EscapedSlashes,
  type HttpConnectionManager,
  HttpConnectionManagerSchema,
  type RouteConfiguration,
  type ScopedRouteConfiguration,
  HttpProtocolOptions_HeadersWithUnderscoresAction as Underscores,
} from '#libs/envoy-api';
import {
  canonicalPath,
  ESCAPED_SLASH,
  hasDotsWithParameters,
  mergeSlashes,
  pathOnly,
  unescapeSlashes,
} from './paths.js';
import type { Header, RoutingConfig, SampleRequest } from './types.js';
import { unknownFields } from './understood.js';

/** A request as routes see it. */
export interface ReceivedRequest {
  readonly method: string;
  readonly scheme: string;
  /** `x-forwarded-proto`: of the request, or as the connection has it. */
  readonly forwardedProto: string;
  readonly authority: string;
  readonly path: string;
  readonly headers: readonly Header[];
}

export type Reception =
  | { readonly type: 'received'; readonly request: ReceivedRequest }
  | { readonly type: 'refused'; readonly status: 400; readonly reason: string }
  | { readonly type: 'unsupported'; readonly fields: readonly string[] };

const refused = (reason: string): Reception => ({ type: 'refused', status: 400, reason });

export function receive({ manager, port }: RoutingConfig, sample: SampleRequest): Reception {
  const fields = [...unknownFields(HttpConnectionManagerSchema, manager), ...unknownActions(manager)];
  if (fields.length > 0) return { type: 'unsupported', fields: fields.map((field) => `manager.${field}`) };
  const headers = acceptedHeaders(manager, sample.headers);
  if (!headers) return refused('a header name has an underscore');
  if (sample.path.includes('#')) return refused('the path has a fragment');
  if (rejectsSlashes(manager) && ESCAPED_SLASH.test(pathOnly(sample.path)))
    return refused('the path has an escaped slash');
  if (manager.normalizePath && hasDotsWithParameters(pathOnly(sample.path)))
    return {
      type: 'unsupported',
      fields: ['the path has a dot segment with parameters, which Envoys read differently'],
    };
  const path = normalizedPath(manager, sample.path);
  if (path === undefined) return refused('the path has no canonical form');
  const proto = headers.find((header) => header.name === 'x-forwarded-proto')?.value;
  return {
    type: 'received',
    request: {
      method: sample.method,
      scheme: sample.scheme ?? (proto === 'http' || proto === 'https' ? proto : 'http'),
      forwardedProto: proto ?? 'http',
      authority: normalizedHost(manager, port, sample.authority),
      path,
      headers,
    },
  };
}

/** Values of known fields that are not known. */
function unknownActions({ pathWithEscapedSlashesAction: action }: HttpConnectionManager): readonly string[] {
  return action === EscapedSlashes.UNESCAPE_AND_REDIRECT
    ? ['pathWithEscapedSlashesAction (UNESCAPE_AND_REDIRECT)']
    : [];
}

/** Headers as far as they are let in; undefined = the request is refused for one. */
function acceptedHeaders(manager: HttpConnectionManager, headers: readonly Header[]): readonly Header[] | undefined {
  const action = manager.commonHttpProtocolOptions?.headersWithUnderscoresAction ?? Underscores.ALLOW;
  if (action === Underscores.ALLOW) return headers;
  const plain = headers.filter((header) => !header.name.includes('_'));
  return action === Underscores.DROP_HEADER || plain.length === headers.length ? plain : undefined;
}

const rejectsSlashes = (manager: HttpConnectionManager): boolean =>
  manager.pathWithEscapedSlashesAction === EscapedSlashes.REJECT_REQUEST;

/** Undefined: the path has no canonical form. */
function normalizedPath(manager: HttpConnectionManager, path: string): string | undefined {
  const bare = pathOnly(path);
  const unescaped =
    manager.pathWithEscapedSlashesAction === EscapedSlashes.UNESCAPE_AND_FORWARD ? unescapeSlashes(bare) : bare;
  const canonical = manager.normalizePath ? canonicalPath(unescaped) : unescaped;
  if (canonical === undefined) return undefined;
  return (manager.mergeSlashes ? mergeSlashes(canonical) : canonical) + path.slice(bare.length);
}

function normalizedHost(manager: HttpConnectionManager, listenerPort: number, authority: string): string {
  const host = manager.stripTrailingHostDot ? authority.replace(/\.(?=:[^.]*$|$)/, '') : authority;
  const strips = manager.stripPortMode.case === 'stripAnyHostPort' && manager.stripPortMode.value;
  if (!strips && !manager.stripMatchingHostPort) return host;
  const { name, port } = splitPort(host);
  return port !== undefined && (strips || port === listenerPort) ? name : host;
}

/** A host and its port, if it has one that is a number; colons inside brackets are part of an IPv6 address. */
export function splitPort(host: string): { readonly name: string; readonly port: number | undefined } {
  const at = host.lastIndexOf(':');
  const digits = host.slice(at + 1);
  if (at === -1 || at < host.lastIndexOf(']') || !/^\d+$/.test(digits)) return { name: host, port: undefined };
  return { name: host.slice(0, at), port: Number(digits) };
}

export type TableChoice =
  | { readonly type: 'table'; readonly table: RouteConfiguration; readonly scope: string | undefined }
  | { readonly type: 'none'; readonly reason: string }
  | { readonly type: 'unsupported'; readonly fields: readonly string[] };

/** The route configuration that the request is for: the listener's own, or that of the scope its key selects. */
export function chooseTable(config: RoutingConfig, request: ReceivedRequest): TableChoice {
  const { routeSpecifier } = config.manager;
  switch (routeSpecifier.case) {
    case 'routeConfig':
      return { type: 'table', table: routeSpecifier.value, scope: undefined };
    case 'rds':
      return tableByName(config, routeSpecifier.value.routeConfigName, undefined);
    case 'scopedRoutes': {
      const fragments = routeSpecifier.value.scopeKeyBuilder?.fragments ?? [];
      const [key, ...parts] = fragments.map((fragment) => fragmentOf(fragment.type, request));
      if (typeof key !== 'string' || parts.length > 0) {
        if (key === undefined && fragments.length === 1) return { type: 'none', reason: 'it has no scope key' };
        return { type: 'unsupported', fields: ['manager.scopedRoutes.scopeKeyBuilder'] };
      }
      const { configSpecifier } = routeSpecifier.value;
      const inline =
        configSpecifier.case === 'scopedRouteConfigurationsList'
          ? configSpecifier.value.scopedRouteConfigurations
          : config.scopes;
      const scope = inline.find((candidate) => keyOf(candidate) === key);
      if (!scope) return { type: 'none', reason: `no scope is for ${JSON.stringify(key)}` };
      if (scope.routeConfiguration) return { type: 'table', table: scope.routeConfiguration, scope: scope.name };
      return tableByName(config, scope.routeConfigurationName, scope.name);
    }
    default:
      return { type: 'unsupported', fields: ['manager.routeSpecifier'] };
  }
}

function tableByName(config: RoutingConfig, name: string, scope: string | undefined): TableChoice {
  const table = config.tables.get(name);
  return table ? { type: 'table', table, scope } : { type: 'none', reason: `route configuration ${name} is not there` };
}

/** Only scopes of one text fragment are looked up: the only ones that are compiled. */
function keyOf({ key }: ScopedRouteConfiguration): string | undefined {
  const [fragment, ...rest] = key?.fragments ?? [];
  return fragment?.type.case === 'stringKey' && rest.length === 0 ? fragment.type.value : undefined;
}

type FragmentType = NonNullable<
  Extract<HttpConnectionManager['routeSpecifier'], { case: 'scopedRoutes' }>['value']['scopeKeyBuilder']
>['fragments'][number]['type'];

/** Text of a part of the scope key, undefined when the request has none, null when the builder is not known. */
function fragmentOf(type: FragmentType, request: ReceivedRequest): string | undefined | null {
  if (type.case !== 'headerValueExtractor') return null;
  const { name, elementSeparator, extractType } = type.value;
  if (extractType.case !== 'index') return null;
  const value =
    name === ':authority' ? request.authority : request.headers.find((header) => header.name === name)?.value;
  if (value === undefined) return undefined;
  if (elementSeparator === '') return extractType.value === 0 ? value : undefined;
  return value.split(elementSeparator)[extractType.value];
}
