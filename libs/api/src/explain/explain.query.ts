import { z } from 'zod';
import type { Moment, SampleRequest } from '#libs/changes';
import { isDnsLabel, isDnsSubdomain, lengthMs, revisionOf } from '#libs/kernel';

const namespace = (of: string) =>
  z.string().refine(isDnsLabel, 'a namespace: a DNS label').describe(`Namespace of the ${of}.`);
const proxy = z
  .string()
  .refine(isDnsLabel, 'a proxy: the name of its instance, workload or service')
  .describe('Name of its instance; or of a workload or service, then its first instance.');

export const proxyQuery = z.strictObject({ namespace: namespace('proxy'), name: proxy });

export const resourceQuery = z.strictObject({
  ...proxyQuery.shape,
  type: z.enum(['CDS', 'EDS', 'LDS', 'SRDS', 'RDS']).describe('xDS type of the resource.'),
  resource: z
    .string()
    .regex(/^[\x21-\x7e]{1,500}$/, 'a name, as the list of resources has it')
    .describe('Name of the resource, as the list of resources has it.'),
  full: z
    .enum(['true', 'false'])
    .default('false')
    .describe('`true`: every step and index of the compilation; default: what somebody wrote or registered, once.'),
});

export const policyQuery = z.strictObject({
  kind: z
    .string()
    .regex(/^[A-Za-z]{1,63}$/, 'a kind of policy, such as RetryPolicy')
    .describe('Kind of the policy.'),
  namespace: namespace('policy'),
  name: z.string().refine(isDnsSubdomain, 'a name: a DNS subdomain').describe('Its name.'),
});

/** With seconds or without, with an offset or `Z`. */
const TIME = /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?)([Zz]|[+-]\d{2}:\d{2})?$/;
const MOMENT = 'a time with its offset (2026-11-23T14:02Z), how long ago (-10m), or a change (c-41)';

/** @returns what is wrong with it, as a string */
export function momentOf(text: string): Moment | string {
  const revision = revisionOf(text);
  if (revision !== undefined) return { revision };
  const agoMs = text.startsWith('-') ? lengthMs(text.slice(1)) : undefined;
  if (agoMs !== undefined) return { agoMs };
  const [, date, time = '', seconds, , offset] = TIME.exec(text) ?? [];
  if (date === undefined) return MOMENT;
  // Nobody can tell whose clock a local time is of: the caller's, the server's, or the proxy's.
  if (offset === undefined) return `say of which time zone it is: ${date}T${time}Z for UTC, or ${date}T${time}+01:00`;
  const at = Date.parse(`${date}T${time}${seconds === undefined ? ':00' : ''}${offset.toUpperCase()}`);
  return Number.isNaN(at) ? `there is no such time: write ${MOMENT}` : { time: new Date(at).toISOString() };
}

/** One resource of the answer may be asked for with its content: type and name together. */
const oneOf = {
  type: z.enum(['CDS', 'EDS', 'LDS', 'SRDS', 'RDS']).optional().describe('With `resource`: its xDS type.'),
  resource: resourceQuery.shape.resource.optional().describe('Answer with the content of this one, too.'),
};
interface NamedByTwo {
  readonly type?: string | undefined;
  readonly resource?: string | undefined;
}

const together = ({ type, resource }: NamedByTwo, context: z.RefinementCtx): void => {
  if ((type === undefined) === (resource === undefined)) return;
  const path = type === undefined ? 'type' : 'resource';
  context.addIssue({ code: 'custom', path: [path], message: 'give type and resource together' });
};
export const namedResource = ({ type, resource }: NamedByTwo) =>
  type === undefined || resource === undefined ? undefined : { type, name: resource };

export const atQuery = z
  .strictObject({
    ...proxyQuery.shape,
    at: z
      .string()
      .max(100)
      .transform((text, context) => {
        const moment = momentOf(text);
        if (typeof moment !== 'string') return moment;
        context.addIssue({ code: 'custom', message: moment });
        return z.NEVER;
      })
      .describe(
        'When: RFC 3339 (`2026-11-23T14:02Z`), how long ago (`-10m`, `-2h`, `-3d`), or a change (`c-41`: when it first had that).',
      ),
    ...oneOf,
    type: z
      .enum(
        ['CDS', 'LDS', 'SRDS', 'RDS'],
        'CDS, LDS, SRDS or RDS: of endpoints, the answer without a resource has the log',
      )
      .optional()
      .describe('With `resource`: its xDS type.'),
  })
  .superRefine(together);

export const revisionQuery = z
  .strictObject({
    ...proxyQuery.shape,
    revision: z
      .string()
      .regex(/^[1-9]\d{0,14}$/, 'a config revision: a number from 1')
      .transform(Number)
      .describe('Config revision.'),
    ...oneOf,
  })
  .superRefine(together);

/** A URL as clients write it; its fragment is never sent. */
const URL_TEXT = /^(https?):\/\/([^/?#\s@]{1,255})([/?][^#\s]{0,8000})?(?:#.*)?$/i;

export const requestBody = z.strictObject({
  from: z
    .strictObject({ namespace: namespace('proxy'), name: proxy })
    .describe('The proxy whose application sends the request.'),
  method: z
    .string()
    .regex(/^[A-Za-z-]{1,32}$/, 'a method, such as GET')
    .default('GET')
    .describe('Default: GET.'),
  url: z
    .string()
    .regex(URL_TEXT, 'an absolute URL, such as http://orders/v1/1')
    .describe('Where to, as the application writes it: `http://orders/v1/1`.'),
  headers: z
    .record(z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/, 'the name of a header'), z.string().max(8_000))
    .default({})
    .describe('Further headers by name.'),
});

/** A bare host has the path /; the port that the scheme stands for is left out, as clients do. */
export function toRequest({ method, url, headers }: z.output<typeof requestBody>): SampleRequest {
  const [, scheme = '', host = '', rest = '/'] = URL_TEXT.exec(url) ?? [];
  const ownPort = scheme.toLowerCase() === 'https' ? /:443$/ : /:80$/;
  return {
    method: method.toUpperCase(),
    ...(scheme.toLowerCase() === 'https' ? { scheme: 'https' as const } : {}),
    authority: host.replace(ownPort, ''),
    path: rest.startsWith('/') ? rest : `/${rest}`,
    headers: Object.entries(headers).map(([name, value]) => ({ name: name.toLowerCase(), value })),
  };
}
