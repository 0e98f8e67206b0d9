import { isIP } from 'node:net';
import { z } from 'zod';

const LONGEST_NAME = 200;
const CONTACT_LENGTH = 300;

/** This machine: the only place where plain HTTP is read by nobody on the way. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '[::1]' || (isIP(host) === 4 && host.startsWith('127.'));

/** https, or http on this machine. */
export const isSafeUrl = (text: string): boolean => {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  const isSafe = protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
  return isSafe && username === '' && password === '';
};

const issuer = z
  .string()
  .max(2_048)
  .refine(
    (text) => isSafeUrl(text) && !/[?#]|\/\.well-known\//.test(text),
    'write the https:// address of the provider as it calls itself, without user, "?", "#" and "/.well-known/"; http is for this machine only',
  );

const publicUrl = z
  .string()
  .max(500)
  .refine(
    (text) => isSafeUrl(text) && new URL(text).origin === text.replace(/\/$/, ''),
    'write where browsers reach the dashboard, such as https://heddle.example.com, without a path; http is for this machine only',
  );

const scope = z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/, 'a scope: printable, without spaces');
const claim = z.string().min(1).max(LONGEST_NAME);

/** `theirs=ours`: ours is what RoleBindings name. */
const GROUP = /^(.{1,200})=([A-Za-z0-9][A-Za-z0-9._@-]{0,62})$/;

const group = z
  .string()
  .regex(GROUP, 'write <group of the provider>=<group that RoleBindings name>, such as /platform/mesh=mesh-admins');

/** Settings of the login by an identity provider. */
export const oidcSchema = z
  .strictObject({
    issuer: issuer
      .optional()
      .describe(
        'Identity provider (OpenID Connect) that people log in to the dashboard by: its issuer, such as https://id.example.com/realms/main. Default: none, only tokens.',
      ),
    clientId: z.string().min(1).max(500).optional().describe('What the provider knows this dashboard by.'),
    clientSecretFile: z
      .string()
      .min(1)
      .optional()
      .describe('File with the secret of `clientId`. Default: none, for a public client.'),
    clientAuth: z
      .enum(['basic', 'post'])
      .default('basic')
      .describe('How the secret is sent to the provider: in the header, or in the body, for providers that want that.'),
    publicUrl: publicUrl
      .optional()
      .describe(
        'Where browsers reach the dashboard; the provider is to send them back to `<publicUrl>/api/dashboard/oidc/callback`. Default: `alerts.externalUrl`.',
      ),
    label: z
      .string()
      .min(1)
      .max(40)
      .default('single sign-on')
      .describe('Name of the provider, for people: the button says "Log in with ...".'),
    scopes: z
      .array(scope)
      .max(20)
      .default(['openid', 'profile', 'email'])
      .refine((scopes) => scopes.includes('openid'), 'must have openid')
      .describe('What the provider is asked for; openid is among it.'),
    userClaim: claim
      .default('email')
      .describe(
        'Claim that RoleBindings name users by (kind User). An `email` counts only with `email_verified`; `sub` is always there.',
      ),
    groupsClaim: claim.default('groups').describe('Claim with the groups of a user: a list of names, or one.'),
    groups: z
      .array(group)
      .max(200)
      .default([])
      .describe(
        'Groups of the provider that count, each with the group that RoleBindings name: `theirs=ours`. Every other one is ignored. Default: none counts.',
      ),
    sessionMinutes: z
      .int()
      .min(5)
      .max(1_440)
      .default(480)
      .describe('Minutes after which one has to log in by the provider again.'),
    contact: z
      .string()
      .max(CONTACT_LENGTH)
      .optional()
      .describe('Whom people ask for rights, in words: shown to who logs in and has none.'),
    caFile: z
      .string()
      .min(1)
      .optional()
      .describe('Certificates of authorities that the provider is trusted by, PEM, beside those that Node.js knows.'),
  })
  .superRefine((oidc, context) => {
    const require = (key: 'issuer' | 'clientId', message: string): void => {
      if (oidc[key] === undefined) context.addIssue({ code: 'custom', path: [key], message });
    };
    if (oidc.issuer !== undefined)
      require('clientId', 'is needed with oidc.issuer: what the provider knows this dashboard by');
    const given = [oidc.clientId, oidc.clientSecretFile, oidc.publicUrl].some((value) => value !== undefined);
    if (given) require('issuer', 'is needed with the other settings of oidc: the address of the provider');
  });

/** What is wrong with the place where browsers come from the provider back to; undefined when nothing is. */
export function publicUrlProblem(url: string | undefined, hosts: readonly string[]): string | undefined {
  if (url === undefined) return 'is needed with oidc.issuer: where browsers reach the dashboard';
  if (!isSafeUrl(url)) return 'alerts.externalUrl does not fit: write where browsers reach the dashboard, with https';
  const { hostname } = new URL(url);
  const bare = hostname.replace(/^\[|\]$/g, '');
  if (isIP(bare) !== 0 || ['localhost', ...hosts].some((host) => host.toLowerCase() === bare)) return undefined;
  return `the control plane does not answer to ${hostname}: add it to rest.allowedHosts`;
}

/** Groups that RoleBindings name, by what the provider calls them. */
export function groupMap(entries: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const map = new Map<string, string[]>();
  for (const entry of entries) {
    const [, theirs = '', ours = ''] = GROUP.exec(entry) ?? [];
    map.set(theirs, [...(map.get(theirs) ?? []), ours]);
  }
  return map;
}
