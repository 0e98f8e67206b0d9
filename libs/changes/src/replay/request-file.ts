/** Sample requests as people write them: YAML (a list, or one document each) or JSON Lines. */
import { z } from 'zod';
import { err, ok, type Result } from '#libs/kernel';
import { parseDocuments, strict, type TextDocument, text } from '#libs/model';
import type { SampleRequest } from './types.js';

/** Most requests of one file. */
export const MAX_SAMPLE_REQUESTS = 10_000;

/** What is wrong with a file, at a line from 1. */
export interface RequestFileProblem {
  readonly line: number;
  /** `path`, `headers.x-a`; '' for the whole request. */
  readonly field: string;
  /** A sentence that begins with the line and the field. */
  readonly message: string;
}

const rule = (pattern: RegExp, problem: string) =>
  text('invalid-value', (value) => (pattern.test(value) ? undefined : problem));

const headerValue = () => rule(/^[\t\x20-\x7e]*$/, 'must be printable ASCII');

const schema = strict({
  method: rule(/^(?!CONNECT$)[A-Z]{1,32}$/, 'must be a method in capitals other than CONNECT, which has no path')
    .default('GET')
    .describe('Method, in capitals. Default: GET.'),
  scheme: z
    .enum(['http', 'https'])
    .optional()
    .describe('Scheme that the client says, as in an absolute URL. Default: that of the connection, http.'),
  host: rule(
    /^(?!:)[A-Za-z0-9._~:[\]-]{1,255}$/,
    'must be a host, with ":" and the port if clients write one (orders.shop:8080)',
  ).describe('Host header or :authority.'),
  path: rule(/^\/[\x21-\x22\x24-\x7e]{0,8191}$/, 'must begin with "/" and be printable ASCII without blanks and "#"')
    .default('/')
    .describe('Path with the query. Default: "/".'),
  headers: z
    .record(
      rule(
        /^(?!host$)[a-z0-9!#$%&'*+.^_`|~-]{1,256}$/i,
        'must be the name of a header; the host has a field of its own',
      ),
      z.union([headerValue(), z.array(headerValue()).min(1).max(64)]),
    )
    .default({})
    .describe('Headers by name; a list is a header that is sent several times.'),
});

export type WrittenRequest = z.input<typeof schema>;

/** A request as it is written, for bodies that carry some. */
export const writtenRequest = schema.transform(sampleOf);

function sampleOf({ host, headers, method, scheme, path }: z.output<typeof schema>): SampleRequest {
  const pairs = Object.entries(headers).flatMap(([name, values]) =>
    (Array.isArray(values) ? values : [values]).map((each) => ({ name: name.toLowerCase(), value: each.trim() })),
  );
  return { method, scheme, authority: host, path, headers: pairs };
}

/** The same the other way round. */
export function writtenOf({ method, scheme, authority, path, headers }: SampleRequest): WrittenRequest {
  const grouped: Record<string, string[]> = {};
  for (const { name, value } of headers) grouped[name] = [...(grouped[name] ?? []), value];
  return { method, ...(scheme === undefined ? {} : { scheme }), host: authority, path, headers: grouped };
}

/** One request of the file, with the line where it begins. */
export interface FileRequest {
  readonly line: number;
  readonly request: SampleRequest;
}

/**
 * Reads a file of sample requests. All problems are reported, each with its line and field; a file with one has no value.
 * @param source the text; JSON Lines when its first character is `{` and the first line alone is a JSON object.
 */
export function parseRequestFile(source: string): Result<readonly FileRequest[], readonly RequestFileProblem[]> {
  const problems: RequestFileProblem[] = [];
  const requests: FileRequest[] = [];
  for (const item of isJsonLines(source) ? jsonLines(source) : yamlItems(source)) {
    const read = item.problem ? err([item.problem]) : parseRequest(item);
    if (read.ok) requests.push({ line: item.line, request: read.value });
    else problems.push(...read.error);
  }
  if (requests.length > MAX_SAMPLE_REQUESTS) {
    problems.push(problem(1, '', `has ${requests.length} requests; a file may have ${MAX_SAMPLE_REQUESTS}`));
  }
  if (requests.length === 0 && problems.length === 0) problems.push(problem(1, '', 'has no request'));
  return problems.length > 0 ? err(problems) : ok(requests);
}

const problem = (line: number, field: string, message: string): RequestFileProblem => ({
  line,
  field,
  message: `line ${line}: ${field === '' ? 'the file' : field} ${message}`,
});

interface Item {
  readonly line: number;
  readonly value?: unknown;
  readonly lineAt: (path: readonly PropertyKey[]) => number;
  readonly problem?: RequestFileProblem;
}

function isJsonLines(source: string): boolean {
  const [first = ''] = source.trimStart().split('\n', 1);
  return first.startsWith('{') && jsonValue(first) !== undefined;
}

function jsonValue(line: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(line) };
  } catch {
    return undefined;
  }
}

function jsonLines(source: string): readonly Item[] {
  return source.split('\n').flatMap((written, index): readonly Item[] => {
    if (written.trim() === '') return [];
    const line = index + 1;
    const lineAt = (): number => line;
    const parsed = jsonValue(written);
    if (!parsed) return [{ line, lineAt, problem: problem(line, 'request', 'must be one JSON object on one line') }];
    if (fieldsWritten(written) === fieldsIn(parsed.value)) return [{ line, lineAt, value: parsed.value }];
    return [{ line, lineAt, problem: problem(line, 'request', 'must not have a field twice') }];
  });
}

/** JSON.parse keeps the last of two equal fields without a word; then more are written than are there. */
const fieldsWritten = (json: string): number =>
  [...json.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g)].filter(([, colon]) => colon !== undefined).length;

const fieldsIn = (value: unknown): number =>
  typeof value === 'object' && value !== null
    ? Object.values(value).reduce((sum: number, item) => sum + fieldsIn(item), 0) +
      (Array.isArray(value) ? 0 : Object.keys(value).length)
    : 0;

const pointerTo = (path: readonly PropertyKey[]): string =>
  path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

const yamlItems = (source: string): readonly Item[] => parseDocuments(source).flatMap(documentItems);

function documentItems(document: TextDocument): readonly Item[] {
  const { result, line } = document;
  if (!result.ok) {
    return result.error.map(({ message }) => ({
      line,
      lineAt: () => line,
      problem: { line, field: '', message: `line ${line}: ${message}` },
    }));
  }
  if (!Array.isArray(result.value)) {
    return [{ line, value: result.value, lineAt: (path) => document.lineAt(pointerTo(path)) }];
  }
  return result.value.map((value: unknown, index) => ({
    line: document.lineAt(pointerTo([index])),
    value,
    lineAt: (path) => document.lineAt(pointerTo([index, ...path])),
  }));
}

function parseRequest({ value, lineAt }: Item): Result<SampleRequest, readonly RequestFileProblem[]> {
  const parsed = schema.safeParse(value);
  if (!parsed.success) return err(parsed.error.issues.flatMap((issue) => issueProblems(issue, lineAt)));
  return ok(sampleOf(parsed.data));
}

function issueProblems(issue: z.core.$ZodIssue, lineAt: Item['lineAt']): readonly RequestFileProblem[] {
  const at = (path: readonly PropertyKey[], message: string): RequestFileProblem =>
    problem(lineAt(path), path.length === 0 ? 'request' : path.join('.'), message);
  if (issue.code === 'unrecognized_keys') {
    const messages = issue.message.split('\n');
    return issue.keys.map((key, i) => at([...issue.path, key], messages[i] ?? 'is not a field here'));
  }
  if (issue.code === 'custom') return [at(issue.path, issue.message)];
  if (issue.code === 'invalid_type' && issue.input === undefined && issue.path.length > 0)
    return [at(issue.path, 'is required')];
  if (issue.code === 'invalid_key') return [at(issue.path, issue.issues.map(({ message }) => message).join('; '))];
  if (issue.code === 'invalid_union') return [at(issue.path, 'must be printable ASCII text, or a list of such texts')];
  return [at(issue.path, `is not valid: ${issue.message}`)];
}
