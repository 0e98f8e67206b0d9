import { z } from 'zod';
import { pointer } from '#libs/kernel';
import { invalid } from './problem.js';

const LABEL_NAME = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const LABEL_VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/;

export const limit = (otherwise: number) =>
  z
    .string()
    .regex(/^\d{1,3}$/, 'a number from 1 to 500')
    .transform(Number)
    .pipe(z.number().min(1).max(500))
    .default(otherwise)
    .describe(`Items in one answer: 1 to 500, default ${otherwise}.`);

/** `a=b,c=d`: every pair must be among the labels. */
const labelSelector = z
  .string()
  .max(2_000)
  .transform((text, context) => {
    const labels: Record<string, string> = {};
    for (const pair of text.split(',').filter((p) => p !== '')) {
      const [, name = '', value = ''] = /^([^=]+)={1,2}(.*)$/.exec(pair) ?? [];
      if (name.length > 317 || !LABEL_NAME.test(name) || !LABEL_VALUE.test(value)) {
        context.addIssue({ code: 'custom', message: 'write label=value, several joined by commas' });
        return z.NEVER;
      }
      labels[name] = value;
    }
    return labels;
  })
  .describe('Only resources that have all of these labels: `a=b,c=d`.');

export const listQuery = z.strictObject({
  limit: limit(100),
  cursor: z
    .string()
    .regex(/^[-\w=.]{1,1000}$/, 'pass on the cursor of the page before')
    .optional()
    .describe('`cursor` of the page before; absent = from the beginning.'),
  labelSelector: labelSelector.optional(),
});

export const leaveQuery = z.strictObject({
  wait: z
    .string()
    .regex(/^\d{1,2}$/, 'whole seconds, 0 to 30')
    .transform(Number)
    .pipe(z.number().max(30))
    .default(5)
    .describe('Seconds to wait for the callers to forget the instance: 0 to 30, default 5; 0 = do not wait.'),
});

export const nothingQuery = z.strictObject({});

export type ListParameters = z.output<typeof listQuery>;

/** Parses what came from outside by its schema; every issue becomes a violation. @throws ProblemError 400 */
export function parseBy<T>(schema: z.ZodType<T>, value: unknown, code = 'invalid'): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw invalid(result.error.issues.flatMap(violationsOf), code);
}

/** A key twice in the address is an array here, and no schema takes one (SEC-38). */
export const parseQuery = <T>(schema: z.ZodType<T>, query: unknown): T => parseBy(schema, query, 'invalid-query');

function violationsOf(issue: z.core.$ZodIssue): { path: string; code: string; message: string }[] {
  const path = pointer(...issue.path.map((segment) => (typeof segment === 'symbol' ? '' : segment)));
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: path + pointer(key),
      code: 'unknown-field',
      message: 'there is no such field here: mend its spelling or leave it out',
    }));
  }
  return [{ path, code: issue.code.replaceAll('_', '-'), message: issue.message }];
}
