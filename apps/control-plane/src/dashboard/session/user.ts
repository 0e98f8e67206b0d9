import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { ApiPrincipal } from '#libs/api';

/** Somebody whom an identity provider has named: what a session keeps of him, which has to fit into a cookie. */
export const userSchema = z.strictObject({
  /** Which provider, and which client of it. */
  provider: z.string(),
  /** Of what the provider knows him by, whatever becomes of his name. */
  sub: z.string(),
  name: z.string(),
  /** In the words of the provider; only those that the configuration knew at the login. */
  groups: z.array(z.string()),
});

export type User = z.output<typeof userSchema>;

/** Whose sessions count, as the configuration is now: one that was changed ends what it no longer allows. */
export interface UserRules {
  readonly provider: string;
  /** Groups that RoleBindings name, by what the provider calls them. */
  readonly groups: ReadonlyMap<string, readonly string[]>;
}

/** Stands for texts of any length. */
export const hashOf = (...texts: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(texts)).digest('base64url');

/** Undefined for users of another provider, or of before it was changed. @param until end of his session, milliseconds since the epoch */
export function principalOf(user: User, until: number, rules: UserRules | undefined): ApiPrincipal | undefined {
  const { provider, sub, name } = user;
  if (provider !== rules?.provider) return undefined;
  const groups = [...new Set(user.groups.flatMap((group) => rules.groups.get(group) ?? []))].sort();
  return {
    // Rights are remembered by it: equal for what gives equal rights, and never that of a token.
    id: `user-${hashOf(provider, sub, name, ...groups)}`,
    ...{ subject: 'User', name, role: 'none', groups, meshes: [], expiresAt: until },
  };
}
