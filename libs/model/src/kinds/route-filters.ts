/** `filters` of rules and of backendRefs, with the rules of the Gateway API about which may stand together. */
import { z } from 'zod';
import type { HeaderChange, Mirror, PathRewrite, Redirect } from '../domain.js';
import {
  changeableHeader,
  headerValue,
  hostName,
  type IssueSink,
  notYet,
  pathProblem,
  pathText,
  portNumber,
  refuseDuplicates,
  report,
  strict,
  text,
} from '../schema-parts.js';
import { backendObject, checkBackend, toBackendObject } from './route-refs.js';

/** Type of a filter -> the field that holds its settings. */
const MEMBERS = {
  RequestHeaderModifier: 'requestHeaderModifier',
  ResponseHeaderModifier: 'responseHeaderModifier',
  RequestMirror: 'requestMirror',
  RequestRedirect: 'requestRedirect',
  URLRewrite: 'urlRewrite',
  CORS: 'cors',
  ExternalAuth: 'externalAuth',
  ExtensionRef: 'extensionRef',
} as const;

type FilterType = keyof typeof MEMBERS;

const LATER: ReadonlySet<FilterType> = new Set(['CORS', 'ExternalAuth', 'ExtensionRef']);
/** Filters that a rule may have several times. */
const REPEATABLE: ReadonlySet<FilterType> = new Set(['RequestMirror', 'ExtensionRef']);

const headerList = () =>
  z
    .array(
      strict({
        name: changeableHeader().describe('Name of the header.'),
        value: headerValue().describe('Value, taken literally.'),
      }),
    )
    .max(16)
    .default([])
    .superRefine((headers, sink) =>
      refuseDuplicates(
        sink,
        headers.map(({ name }) => name.toLowerCase()),
        'the header',
        'name',
      ),
    );

const headerModifier = strict({
  set: headerList().describe('Headers that replace any of the same name.'),
  add: headerList().describe('Headers that are added to those of the same name.'),
  remove: z
    .array(changeableHeader())
    .max(16)
    .default([])
    .superRefine((names, sink) =>
      refuseDuplicates(
        sink,
        names.map((name) => name.toLowerCase()),
        'the header',
      ),
    )
    .describe('Names of headers that are removed.'),
}).superRefine(({ set, add, remove }, sink) => {
  const changed = new Set(set.map(({ name }) => name.toLowerCase()));
  for (const [field, names] of [
    ['add', add.map(({ name }) => name)],
    ['remove', remove],
  ] as const) {
    for (const [index, name] of names.entries()) {
      const key = name.toLowerCase();
      if (changed.has(key))
        report(sink, 'conflict', 'changes a header that set or add changes too; write one of them', [field, index]);
      changed.add(key);
    }
  }
});

const pathModifier = strict({
  type: z
    .enum(['ReplaceFullPath', 'ReplacePrefixMatch'])
    .describe('What is replaced: the whole path, or the prefix that the rule matched.'),
  replaceFullPath: pathText().optional().describe('The new path, with type ReplaceFullPath.'),
  replacePrefixMatch: text('invalid-path', (value) => (value === '' ? undefined : pathProblem(value)))
    .optional()
    .describe('What stands in place of the matched prefix, with type ReplacePrefixMatch; "" is the same as "/".'),
}).superRefine((path, sink) => {
  const wanted = path.type === 'ReplaceFullPath' ? 'replaceFullPath' : 'replacePrefixMatch';
  const other = path.type === 'ReplaceFullPath' ? 'replacePrefixMatch' : 'replaceFullPath';
  if (path[wanted] === undefined) report(sink, 'required', `is required with type ${path.type}`, [wanted]);
  if (path[other] !== undefined) report(sink, 'conflict', `must be left out with type ${path.type}`, [other]);
});

type PathModifier = z.infer<typeof pathModifier>;

const mirrorBackend = strict(backendObject).superRefine(checkBackend);

const mirror = strict({
  backendRef: mirrorBackend.describe('Where copies of the requests go; their responses are dropped.'),
  percent: z
    .int()
    .min(0)
    .max(100)
    .optional()
    .describe('Percentage of requests that are copied, 0 to 100. Default: 100.'),
  fraction: strict({
    numerator: z.int().min(0).describe('Requests copied out of `denominator`.'),
    denominator: z.int().min(1).default(100).describe('Default: 100.'),
  })
    .superRefine((fraction, sink) => {
      if (fraction.numerator > fraction.denominator)
        report(sink, 'out-of-range', 'must not be larger than denominator', ['numerator']);
    })
    .optional()
    .describe('The share as a fraction, instead of percent.'),
}).superRefine((value, sink) => {
  if (value.percent !== undefined && value.fraction !== undefined)
    report(sink, 'conflict', 'must be left out beside percent', ['fraction']);
});

const redirect = strict({
  scheme: z.enum(['http', 'https']).optional().describe("Scheme of the new location. Default: the request's."),
  hostname: hostName().optional().describe("Host of the new location. Default: the request's."),
  path: pathModifier.optional().describe("Path of the new location. Default: the request's."),
  port: portNumber()
    .optional()
    .describe("Port of the new location, 1 to 65535. Default: by the scheme, or the request's."),
  statusCode: z
    .literal([301, 302, 303, 307, 308])
    .default(302)
    .describe('Status of the answer: 301, 302, 303, 307 or 308. Default: 302.'),
});

const rewrite = strict({
  hostname: hostName().optional().describe('Host header that the backend sees. Default: unchanged.'),
  path: pathModifier.optional().describe('Path that the backend sees. Default: unchanged.'),
});

const filterTypes = Object.keys(MEMBERS) as [FilterType, ...FilterType[]];

const filter = strict({
  type: z.enum(filterTypes).describe('Which filter this is; the field of the same name holds its settings.'),
  requestHeaderModifier: headerModifier.optional().describe('Changes the headers of the request.'),
  responseHeaderModifier: headerModifier.optional().describe('Changes the headers of the response.'),
  requestMirror: mirror.optional().describe('Sends a copy of requests to another backend.'),
  requestRedirect: redirect.optional().describe('Answers with a redirect.'),
  urlRewrite: rewrite.optional().describe('Changes host and path of the request.'),
  cors: notYet(),
  externalAuth: notYet(),
  extensionRef: notYet(),
}).superRefine((value, sink) => {
  if (LATER.has(value.type))
    return report(sink, 'not-implemented-yet', `${value.type} is not implemented yet`, ['type']);
  for (const [type, member] of Object.entries(MEMBERS)) {
    if (type === value.type && value[member] === undefined)
      report(sink, 'required', `is required with type ${value.type}`, [member]);
    if (type !== value.type && value[member] !== undefined)
      report(sink, 'conflict', `must be left out with type ${value.type}`, [member]);
  }
  return undefined;
});

export type Filter = z.infer<typeof filter>;

/** Where a list of filters stands decides which types it may have. */
export interface FilterPlace {
  readonly kind: 'HTTPRoute' | 'GRPCRoute';
  readonly on: 'rule' | 'backend';
}

function placeProblem(type: FilterType, place: FilterPlace): readonly [code: string, message: string] | undefined {
  if (place.kind === 'GRPCRoute' && (type === 'RequestRedirect' || type === 'URLRewrite')) {
    return ['invalid-value', `must not be ${type}: a GRPCRoute has no such filter`];
  }
  if (place.on === 'backend' && (type === 'RequestMirror' || type === 'RequestRedirect' || type === 'URLRewrite')) {
    return ['not-implemented-yet', `${type} on a backend is not implemented yet; write it as a filter of the rule`];
  }
  return undefined;
}

function checkTogether(filters: readonly Filter[], place: FilterPlace, sink: IssueSink): void {
  const seen = new Set<string>();
  for (const [index, { type }] of filters.entries()) {
    const problem = placeProblem(type, place);
    if (problem) report(sink, problem[0], problem[1], [index, 'type']);
    if (seen.has(type) && !REPEATABLE.has(type))
      report(sink, 'duplicate', `repeats ${type}; a list of filters may have it once`, [index]);
    seen.add(type);
  }
  if (seen.has('RequestRedirect') && seen.has('URLRewrite')) {
    report(sink, 'conflict', 'must not have both RequestRedirect and URLRewrite');
  }
}

/** `filters` at one place. */
export const filterList = (place: FilterPlace) =>
  z
    .array(filter)
    .max(16)
    .default([])
    .superRefine((filters, sink) => checkTogether(filters, place, sink))
    .describe('What happens to requests and responses, at most 16 filters, in this order.');

/** Replacements of a matched prefix need exactly one PathPrefix match to replace. */
export function replacesPrefix(filters: readonly Filter[]): boolean {
  return filters.some(({ requestRedirect, urlRewrite }) =>
    [requestRedirect?.path, urlRewrite?.path].some((path) => path?.type === 'ReplacePrefixMatch'),
  );
}

const toPath = (path: PathModifier | undefined): PathRewrite | undefined =>
  path && {
    type: path.type,
    value: (path.type === 'ReplaceFullPath' ? path.replaceFullPath : path.replacePrefixMatch) || '/',
  };

const toHeaders = (change: z.infer<typeof headerModifier> | undefined): HeaderChange | undefined =>
  change && {
    set: change.set.map(({ name, value }) => ({ name: name.toLowerCase(), value })),
    add: change.add.map(({ name, value }) => ({ name: name.toLowerCase(), value })),
    remove: change.remove.map((name) => name.toLowerCase()),
  };

/** What a list of filters means. */
export interface FilterEffect {
  readonly requestHeaders: HeaderChange | undefined;
  readonly responseHeaders: HeaderChange | undefined;
  readonly rewrite: { readonly hostname: string | undefined; readonly path: PathRewrite | undefined } | undefined;
  readonly redirect: Redirect | undefined;
  readonly mirrors: readonly Mirror[];
}

/** The meaning of checked filters; references without a namespace point into the given one. */
export function toEffect(filters: readonly Filter[], namespace: string): FilterEffect {
  const find = <M extends (typeof MEMBERS)[FilterType]>(member: M): Filter[M] =>
    filters.find((each) => each[member] !== undefined)?.[member];
  const redirects = find('requestRedirect');
  const rewrites = find('urlRewrite');
  return {
    requestHeaders: toHeaders(find('requestHeaderModifier')),
    responseHeaders: toHeaders(find('responseHeaderModifier')),
    rewrite: rewrites && { hostname: rewrites.hostname, path: toPath(rewrites.path) },
    redirect: redirects && {
      scheme: redirects.scheme,
      hostname: redirects.hostname,
      port: redirects.port,
      path: toPath(redirects.path),
      statusCode: redirects.statusCode,
    },
    mirrors: filters.flatMap((each, index) =>
      each.requestMirror ? [toMirror(each.requestMirror, index, namespace)] : [],
    ),
  };
}

function toMirror(value: z.infer<typeof mirror>, filterIndex: number, namespace: string): Mirror {
  const { percent, fraction } = value;
  const share = fraction ? fraction.numerator / fraction.denominator : (percent ?? 100) / 100;
  return { backend: toBackendObject(value.backendRef, namespace), fraction: share, filterIndex };
}
