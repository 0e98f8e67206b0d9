/**
 * Building blocks of all schemas. Rules add issues whose message is the end of a sentence (`must be ...`) and whose
 * `params.code` is the violation's code; `issues.ts` puts the field's name in front. Nothing is transformed: a parsed
 * spec is the written one with defaults filled in.
 */
import { z } from 'zod';
import { isDnsLabel, isDnsSubdomain } from '#libs/kernel';
import { isHostName } from './address.js';
import { DURATION_PATTERN, parseDuration } from './duration-text.js';
import { didYouMean } from './suggest.js';

/** What a refinement gets to report issues with; paths are relative to the refined value. */
export interface IssueSink {
  addIssue(issue: { code: 'custom'; message: string; path?: PropertyKey[]; params: { code: string } }): void;
}

/** Reports that a rule is broken. `message` continues a sentence that begins with the field's name. */
export function report(sink: IssueSink, code: string, message: string, path: PropertyKey[] = []): void {
  sink.addIssue({ code: 'custom', message, path, params: { code } });
}

/** An object that refuses fields it does not know, each by name and with the name that was probably meant. */
export const strict = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => `is not a field here${didYouMean(key, Object.keys(shape))}`).join('\n')
        : undefined,
  });

/** A field of a standard schema that Heddle does not implement yet: refused by name, never ignored. */
export const notYet = (instead?: string) =>
  z
    .unknown()
    .superRefine((value, sink) => {
      if (value !== undefined)
        report(sink, 'not-implemented-yet', `is not implemented yet${instead ? `; ${instead}` : ''}`);
    })
    .optional()
    .describe('Not implemented yet: a document that sets it is refused.');

/** A text with a rule of its own. `problem` returns the end of a sentence when the text breaks it. */
export const text = (code: string, problem: (value: string) => string | undefined) =>
  z.string().superRefine((value, sink) => {
    const found = problem(value);
    if (found !== undefined) report(sink, code, found);
  });

const must = (holds: boolean, message: string): string | undefined => (holds ? undefined : message);

const LABEL_RULE = 'must be a DNS label: 1 to 63 lower-case letters, digits and inner hyphens';
const SUBDOMAIN_RULE = 'must be a DNS subdomain: DNS labels joined by dots, at most 253 characters, lower-case';

/** Name of a mesh, namespace, service, subset or port. */
export const dnsLabel = () => text('invalid-name', (value) => must(isDnsLabel(value), LABEL_RULE));
/** Name of anything else. */
export const dnsSubdomain = () => text('invalid-name', (value) => must(isDnsSubdomain(value), SUBDOMAIN_RULE));

/** A duration in the Gateway API's form; `min` in milliseconds. */
export const duration = (options: { readonly min?: number } = {}) =>
  text('invalid-duration', (value) => {
    const ms = parseDuration(value);
    if (ms === undefined) return 'must be a duration such as "500ms", "10s" or "1h30m" (GEP-2257)';
    return must(ms >= (options.min ?? 0), `must be at least ${options.min ?? 0}ms`);
  }).meta({ pattern: DURATION_PATTERN });

/** A port number, 1 to 65535. */
export const portNumber = () => z.int().min(1).max(65_535);

/** What is wrong with a value that is copied into a header or path, as the end of a sentence. */
export const controlProblem = (value: string): string | undefined =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what the rule is about
  must(!/[\u0000-\u0008\u000a-\u001f\u007f]/.test(value), 'must not contain CR, LF, NUL or other control characters');

const TOKEN = /^[A-Za-z0-9!#$%&'*+\-.^_`|~]{1,256}$/;

/** A header's name: a token of RFC 9110, at most 256 characters; so never a pseudo-header such as `:path`. */
export const headerName = () =>
  text('invalid-header', (value) =>
    must(TOKEN.test(value), "must be a header name: 1 to 256 letters, digits and !#$%&'*+-.^_`|~"),
  );

/** A name of a header that may be changed: Envoy refuses to change `Host` and pseudo-headers. */
export const changeableHeader = () =>
  text('invalid-header', (value) => {
    if (value.startsWith(':') || value.toLowerCase() === 'host') {
      return 'must not be Host or begin with ":"; to change the host use a URLRewrite filter';
    }
    return must(TOKEN.test(value), "must be a header name: 1 to 256 letters, digits and !#$%&'*+-.^_`|~");
  });

/** A header's value: 1 to 4096 characters without CR, LF, NUL. */
export const headerValue = () => text('invalid-header', controlProblem).min(1).max(4096);

/** A lower-case host name without wildcard. */
export const hostName = () =>
  text('invalid-host', (value) =>
    must(
      isHostName(value),
      'must be a host name in lower case, without port, wildcard or trailing dot, and no IP address',
    ),
  );

const PATH_CHARACTERS = /^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})*$/;

/** What is wrong with a literal path by the Gateway API's rules, as the end of a sentence. */
export function pathProblem(value: string): string | undefined {
  if (!value.startsWith('/')) return 'must begin with "/"';
  if (value.length > 1024) return 'must have at most 1024 characters';
  if (!PATH_CHARACTERS.test(value)) return 'must hold only characters of a URL path (RFC 3986); percent-encode others';
  if (/\/\/|\/\.\.?(\/|$)|%2f|%5c|%00/i.test(value)) {
    return 'must be normalised: no "//", "/./", "/../", no encoded slash, backslash or NUL';
  }
  return undefined;
}

/** A literal path. */
export const pathText = () => text('invalid-path', pathProblem);

/** A value as a message prints it: quoted, cut to 80 characters. */
export const quote = (value: unknown): string => {
  const printed = JSON.stringify(value) ?? String(value);
  return printed.length > 80 ? `${printed.slice(0, 77)}...` : printed;
};

/** Reports every item whose key was seen before. */
export function refuseDuplicates(sink: IssueSink, keys: readonly string[], what: string, field?: string): void {
  const seen = new Set<string>();
  for (const [index, key] of keys.entries()) {
    const path = field === undefined ? [index] : [index, field];
    if (seen.has(key)) report(sink, 'duplicate', `repeats ${what} ${quote(key)}; each may be written once`, path);
    seen.add(key);
  }
}

/** Refines a list of things with names: each may be there once. @param what they are, such as `the tag` */
export const namedOnce =
  (what: string) =>
  (items: readonly { readonly name: string }[], sink: IssueSink): void =>
    refuseDuplicates(
      sink,
      items.map(({ name }) => name),
      what,
      'name',
    );
