/** Conditions of routes: whether a request meets them, and in words why not. */
import {
  type HeaderMatcher,
  HeaderMatcherSchema,
  type QueryParameterMatcher,
  QueryParameterMatcherSchema,
  type RouteMatch,
  RouteMatchSchema,
  type StringMatcher,
} from '#libs/envoy-api';
import type { ReceivedRequest } from './manager.js';
import { pathOnly } from './paths.js';
import { fullMatch } from './regex.js';
import { unknownFields } from './understood.js';

/** Met; not met and why; or it hangs on fields that the evaluator does not know. */
export type Outcome =
  | { readonly type: 'met' }
  | { readonly type: 'unmet'; readonly reason: () => string }
  | { readonly type: 'unknown'; readonly fields: readonly string[] };

const MET: Outcome = { type: 'met' };
/** Sentences are made only for who asks: most routes are passed over by most requests. */
const unmet = (reason: () => string): Outcome => ({ type: 'unmet', reason });
const unknown = (...fields: readonly string[]): Outcome => ({ type: 'unknown', fields });

const CODE_UNITS_SHOWN = 80;
const show = (text: string): string =>
  JSON.stringify(text.length > CODE_UNITS_SHOWN ? `${text.slice(0, CODE_UNITS_SHOWN)}...` : text);

/** ASCII only, as Envoy does it. */
const lower = (text: string): string => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());

/** What one matcher wants, in words, and its test. */
interface Wanted {
  readonly words: () => string;
  readonly test: (text: string) => boolean;
}

function wantedString({ matchPattern, ignoreCase }: StringMatcher): Wanted | undefined {
  const fold = ignoreCase ? lower : (text: string): string => text;
  switch (matchPattern.case) {
    case 'exact': {
      const want = fold(matchPattern.value);
      return { words: () => show(matchPattern.value), test: (text) => fold(text) === want };
    }
    case 'prefix': {
      const want = fold(matchPattern.value);
      return { words: () => `begins with ${show(matchPattern.value)}`, test: (text) => fold(text).startsWith(want) };
    }
    case 'suffix': {
      const want = fold(matchPattern.value);
      return { words: () => `ends with ${show(matchPattern.value)}`, test: (text) => fold(text).endsWith(want) };
    }
    case 'contains': {
      const want = fold(matchPattern.value);
      return { words: () => `contains ${show(matchPattern.value)}`, test: (text) => fold(text).includes(want) };
    }
    case 'safeRegex': {
      const { regex } = matchPattern.value;
      return { words: () => `matches the regular expression ${show(regex)}`, test: (text) => fullMatch(regex, text) };
    }
    default:
      return undefined;
  }
}

/**
 * Headers that the connection manager itself adds, removes or rewrites before it routes, by circumstances that a sample
 * request does not tell (connection, trusted hops). A route that asks for one of them cannot be judged.
 */
const OF_THE_MANAGER =
  /^(x-envoy-.*|x-forwarded-(for|proto|host|port|client-cert)|x-request-id|via|connection|keep-alive|proxy-connection|upgrade|te|transfer-encoding|content-length|expect|cookie|:protocol)$/;

/** Every value of a header. */
function headerValues(request: ReceivedRequest, name: string): readonly string[] {
  switch (name) {
    case ':method':
      return [request.method];
    case ':path':
      return [request.path];
    case ':authority':
    case 'host':
      return [request.authority];
    case ':scheme':
      return [request.scheme];
    default:
      return request.headers.filter((header) => header.name === name).map((header) => header.value);
  }
}

function headerOutcome(matcher: HeaderMatcher, request: ReceivedRequest): Outcome {
  const name = matcher.name.toLowerCase();
  const fields = unknownFields(HeaderMatcherSchema, matcher);
  if (fields.length > 0) return unknown(...fields.map((field) => `match.headers[${name}].${field}`));
  if (OF_THE_MANAGER.test(name)) return unknown(`match.headers[${name}] (Envoy sets this header itself)`);
  const values = headerValues(request, name);
  const specifier = matcher.headerMatchSpecifier;
  return specifier.case === 'stringMatch'
    ? valueOutcome(matcher, wantedString(specifier.value), values)
    : presenceOutcome(matcher, specifier.case !== 'presentMatch' || specifier.value, values.length > 0);
}

function presenceOutcome(matcher: HeaderMatcher, wanted: boolean, found: boolean): Outcome {
  const present = found || matcher.treatMissingHeaderAsEmpty;
  if ((present === wanted) !== matcher.invertMatch) return MET;
  return unmet(() => `header ${matcher.name} is ${found ? 'present' : 'absent'}`);
}

/** A repeated header: Envoy 1.36 compares its values joined by commas, 1.40 each of them. Where that differs, nothing is said. */
function valueOutcome(matcher: HeaderMatcher, wanted: Wanted | undefined, values: readonly string[]): Outcome {
  const { name, invertMatch, treatMissingHeaderAsEmpty } = matcher;
  if (!wanted) return unknown(`match.headers[${name}].stringMatch`);
  const words = (): string => `wanted: ${invertMatch ? 'not ' : ''}${wanted.words()}`;
  if (values.length === 0 && !treatMissingHeaderAsEmpty) return unmet(() => `header ${name} is absent, ${words()}`);
  const joined = values.join(',');
  const holds = wanted.test(joined);
  if (values.length > 1 && holds !== values.some(wanted.test)) {
    return unknown(`match.headers[${name}] (the header is repeated, which Envoys read differently)`);
  }
  return holds === invertMatch ? unmet(() => `header ${name} is ${show(joined)}, ${words()}`) : MET;
}

/** Value of the first parameter of the name, not decoded; `a` alone has the empty value. */
export function queryParameter(path: string, name: string): string | undefined {
  const start = path.indexOf('?');
  if (start === -1) return undefined;
  for (const part of path.slice(start + 1).split('&')) {
    const equal = part.indexOf('=');
    if ((equal === -1 ? part : part.slice(0, equal)) === name) return equal === -1 ? '' : part.slice(equal + 1);
  }
  return undefined;
}

function queryOutcome(matcher: QueryParameterMatcher, request: ReceivedRequest): Outcome {
  const { name, queryParameterMatchSpecifier: specifier } = matcher;
  const at = `match.queryParameters[${name}]`;
  const fields = unknownFields(QueryParameterMatcherSchema, matcher);
  if (fields.length > 0) return unknown(...fields.map((field) => `${at}.${field}`));
  if (specifier.case === 'presentMatch' && !specifier.value) return unknown(`${at}.presentMatch`);
  const found = queryParameter(request.path, name);
  if (found === undefined) return unmet(() => `query parameter ${name} is absent`);
  if (specifier.case !== 'stringMatch') return MET;
  const wanted = wantedString(specifier.value);
  if (!wanted) return unknown(`${at}.stringMatch`);
  return wanted.test(found) ? MET : unmet(() => `query parameter ${name} is ${show(found)}, wanted: ${wanted.words()}`);
}

function wantedPath({ pathSpecifier, caseSensitive }: RouteMatch): Wanted | undefined {
  const fold = caseSensitive === false ? lower : (text: string): string => text;
  switch (pathSpecifier.case) {
    case 'prefix': {
      const want = fold(pathSpecifier.value);
      return { words: () => `begins with ${show(pathSpecifier.value)}`, test: (path) => fold(path).startsWith(want) };
    }
    case 'path': {
      const want = fold(pathSpecifier.value);
      return { words: () => show(pathSpecifier.value), test: (path) => fold(path) === want };
    }
    case 'pathSeparatedPrefix': {
      const want = fold(pathSpecifier.value);
      const test = (path: string): boolean => fold(path) === want || fold(path).startsWith(`${want}/`);
      return { words: () => `${show(pathSpecifier.value)} or below it`, test };
    }
    case 'safeRegex': {
      const { regex } = pathSpecifier.value;
      return { words: () => `matches the regular expression ${show(regex)}`, test: (path) => fullMatch(regex, path) };
    }
    default:
      return undefined;
  }
}

function pathOutcome(match: RouteMatch, request: ReceivedRequest): Outcome {
  const wanted = wantedPath(match);
  if (!wanted) return unknown(`match.${match.pathSpecifier.case ?? 'pathSpecifier'}`);
  const path = pathOnly(request.path);
  return wanted.test(path) ? MET : unmet(() => `path is ${show(path)}, wanted: ${wanted.words()}`);
}

/**
 * Whether the request meets all conditions. One that is not met decides, whatever else is set: unknown fields of a match
 * are conditions more.
 */
export function routeOutcome(match: RouteMatch, request: ReceivedRequest): Outcome {
  let open: readonly string[] = [];
  for (const outcome of conditions(match, request)) {
    if (outcome.type === 'unmet') return outcome;
    if (outcome.type === 'unknown') open = [...open, ...outcome.fields];
  }
  return open.length > 0 ? unknown(...open) : MET;
}

function* conditions(match: RouteMatch, request: ReceivedRequest): Generator<Outcome> {
  yield pathOutcome(match, request);
  for (const header of match.headers) yield headerOutcome(header, request);
  for (const parameter of match.queryParameters) yield queryOutcome(parameter, request);
  const fields = unknownFields(RouteMatchSchema, match).filter((field) => !/^(headers|queryParameters)\[/.test(field));
  if (fields.length > 0) yield unknown(...fields.map((field) => `match.${field}`));
}
