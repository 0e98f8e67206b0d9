import { isUserName } from '#libs/model';
import { hashOf, type User } from '../session/user.js';
import { LoginRefused } from './refusal.js';

/** Of those that count. More would not fit into a cookie. */
const MOST_GROUPS = 32;
const MOST_GROUP_BYTES = 1_500;
const LONGEST_SUB = 255;

export type Claims = Readonly<Record<string, unknown>>;

export interface ClaimRules {
  readonly provider: string;
  readonly userClaim: string;
  readonly groupsClaim: string;
  /** Groups of the provider that count. */
  readonly groups: ReadonlyMap<string, unknown>;
}

/**
 * Whom the provider has named. Groups that the configuration does not name do not count (SEC-43).
 * @throws LoginRefused code name
 */
export function userOfClaims(claims: Claims, rules: ClaimRules): User {
  const { provider, userClaim } = rules;
  const { sub } = claims;
  if (typeof sub !== 'string' || sub === '' || sub.length > LONGEST_SUB) throw refused('sub is missing, or too long');
  const name = claims[userClaim];
  if (typeof name !== 'string' || !isUserName(name))
    throw refused(
      `the claim ${userClaim} (oidc.userClaim) is missing, or is no name of 1 to 254 letters, digits and . _ @ - + = ~ | : /`,
    );
  if (userClaim === 'email' && claims['email_verified'] !== true)
    throw refused(
      'the provider does not say that it has verified the email (email_verified): have it do so, or set oidc.userClaim to sub or another claim that nobody chooses himself',
    );
  return { provider, sub: hashOf(sub), name, groups: groupsOf(claims, rules) };
}

function groupsOf(claims: Claims, { groupsClaim, groups }: ClaimRules): string[] {
  const claim = claims[groupsClaim];
  if (claim === undefined || claim === null) return [];
  const list: readonly unknown[] = Array.isArray(claim) ? claim : [claim];
  const named = new Set(list.filter((group) => typeof group === 'string' && groups.has(group)).map(String));
  const kept = [...named].sort();
  if (kept.length > MOST_GROUPS || Buffer.byteLength(JSON.stringify(kept)) > MOST_GROUP_BYTES)
    throw refused(`the user is in more than ${MOST_GROUPS} of oidc.groups, or their names are too long together`);
  return kept;
}

const refused = (message: string): LoginRefused => new LoginRefused('name', message);
