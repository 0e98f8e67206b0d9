import type { z } from 'zod';
import { pointer, type Violation } from '#libs/kernel';
import { quote } from './schema-parts.js';
import { didYouMean } from './suggest.js';

/** `spec.ports[0].port`: how a person would write the place. */
export function printPath(path: readonly PropertyKey[]): string {
  let printed = '';
  for (const segment of path) {
    if (typeof segment === 'number') printed += `[${segment}]`;
    else if (/^[A-Za-z_][\w-]*$/.test(String(segment))) printed += `${printed ? '.' : ''}${String(segment)}`;
    else printed += `[${quote(String(segment))}]`;
  }
  return printed || 'the document';
}

/** One violation: the message begins with the field's name. */
export function violation(path: readonly PropertyKey[], code: string, message: string): Violation {
  return {
    path: pointer(...path.map((segment) => (typeof segment === 'number' ? segment : String(segment)))),
    code,
    message: `${printPath(path)} ${message}`,
  };
}

/** The same as a warning: the document is accepted all the same. */
export const warning = (path: readonly PropertyKey[], code: string, message: string): Violation => ({
  ...violation(path, code, message),
  severity: 'warning',
});

/** Parses with every violation reported, paths prefixed by `prefix`. The parsed value has its defaults filled in. */
export function parseWith<T>(
  schema: z.ZodType<T>,
  value: unknown,
  prefix: readonly PropertyKey[],
): { readonly value: T | undefined; readonly violations: readonly Violation[] } {
  const parsed = schema.safeParse(value, { reportInput: true });
  if (parsed.success) return { value: parsed.data, violations: [] };
  return { value: undefined, violations: parsed.error.issues.flatMap((issue) => fromIssue(issue, prefix)) };
}

function fromIssue(issue: z.core.$ZodIssue, prefix: readonly PropertyKey[]): readonly Violation[] {
  const path = [...prefix, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    const messages = issue.message.split('\n');
    return issue.keys.map((key, index) =>
      violation([...path, key], 'unknown-field', messages[index] ?? 'is not a field here'),
    );
  }
  const [code, message] = describe(issue);
  return [violation(path, code, message)];
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a number',
  string: 'a text',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

/** What JSON calls the value. */
function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return TYPE_NAMES[typeof value] ?? typeof value;
}

function describe(issue: z.core.$ZodIssue): readonly [code: string, message: string] {
  switch (issue.code) {
    case 'custom':
      return [typeof issue.params?.['code'] === 'string' ? issue.params['code'] : 'invalid-value', issue.message];
    case 'invalid_type':
      if (issue.input === undefined) return ['required', 'is required'];
      return ['invalid-type', `must be ${TYPE_NAMES[issue.expected] ?? issue.expected}, not ${typeName(issue.input)}`];
    case 'invalid_value':
      return describeValue(issue);
    case 'too_small':
    case 'too_big':
      return describeSize(issue);
    case 'invalid_key':
      return ['invalid-key', issue.issues.map((inner) => inner.message).join('; ')];
    case 'invalid_union':
      return ['invalid-value', 'has none of the forms that are read here'];
    default:
      return ['invalid-value', `is not valid: ${issue.message}`];
  }
}

function describeValue(issue: z.core.$ZodIssueInvalidValue): readonly [code: string, message: string] {
  const values = issue.values.map(String);
  const known = values.length === 1 ? values.join() : `one of ${values.join(', ')}`;
  if (issue.input === undefined) return ['required', `is required: ${known}`];
  const hint = typeof issue.input === 'string' ? didYouMean(issue.input, values) : '';
  return ['invalid-value', `must be ${known}, not ${quote(issue.input)}${hint}`];
}

function describeSize(
  issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig,
): readonly [code: string, message: string] {
  const small = issue.code === 'too_small';
  const bound = String(small ? issue.minimum : issue.maximum);
  const limit = small ? `at least ${bound}` : `at most ${bound}`;
  if (issue.origin === 'string') return [small ? 'too-short' : 'too-long', `must have ${limit} characters`];
  if (issue.origin === 'array') return [small ? 'too-few' : 'too-many', `must have ${limit} entries`];
  if (issue.origin === 'number' || issue.origin === 'int')
    return ['out-of-range', `must be ${limit}, not ${quote(issue.input)}`];
  return ['out-of-range', `must have ${limit} entries`];
}
