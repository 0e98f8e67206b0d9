import { z } from 'zod';
import type { SampleRequest } from '#libs/changes';
import { isDnsLabel, isDnsSubdomain } from '#libs/kernel';

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
