import { describe, expect, it } from 'vitest';
import { principalOf } from '../session/user.js';
import { groupMap } from './oidc.schema.js';
import { LoginRefused } from './refusal.js';
import { type Claims, userOfClaims } from './user-of-claims.js';

const groups = groupMap(['/platform/mesh=mesh-admins', 'shop=shop', 'web=shop', 'a=b=c=last']);
const rules = { provider: 'p', userClaim: 'email', groupsClaim: 'groups', groups };
const ANN = { sub: '1', email: 'ann@example.com', email_verified: true };

const groupsOf = (claims: Claims): readonly string[] | undefined =>
  principalOf(userOfClaims({ ...ANN, ...claims }, rules), 1, rules)?.groups;

function refusal(claims: Claims, more: object = {}): string {
  try {
    userOfClaims(claims, { ...rules, ...more });
  } catch (error) {
    if (error instanceof LoginRefused) return `${error.code}: ${error.message}`;
    throw error;
  }
  return '';
}

describe('the groups of a user', () => {
  it.each([
    ['those that the configuration names, as RoleBindings name them', ['/platform/mesh', 'other'], ['mesh-admins']],
    ['each once', ['shop', 'web', 'shop'], ['shop']],
    ['one by itself', 'shop', ['shop']],
    ['none', undefined, []],
    ['not those that are called like ours', ['mesh-admins'], []],
    ['nothing but texts', [{ shop: 1 }, 7, null, ['shop']], []],
    ['with all but the last = in the name of theirs', ['a=b=c'], ['last']],
    ['nothing of what objects have by themselves (SEC-10)', ['__proto__', 'constructor'], []],
  ])('SEC-43 are %s', (_, claim, wanted) => {
    expect(groupsOf({ groups: claim })).toEqual(wanted);
  });

  it('SEC-43 must fit into a session', () => {
    const many = Array.from({ length: 40 }, (_, at) => `g${at}`);
    const all = groupMap(many.map((name) => `${name}=${name}`));
    expect(refusal({ ...ANN, groups: many }, { groups: all })).toMatch(/^name: .*more than 32 of oidc.groups/);
  });
});

describe('the name of a user', () => {
  it.each([
    ['an email that nobody has verified', { ...ANN, email_verified: false }, /^name: .*email_verified/],
    ['an email that the provider says nothing of', { sub: '1', email: 'ann@example.com' }, /^name: .*email_verified/],
    ['"true" for true', { ...ANN, email_verified: 'true' }, /^name: .*email_verified/],
    ['none', { sub: '1' }, /^name: the claim email \(oidc.userClaim\) is missing/],
    ['letters that look like others', { ...ANN, email: 'аnn@example.com' }, /^name: the claim email/],
    ['a list', { ...ANN, email: ['ann@example.com'] }, /^name: the claim email/],
    ['no sub', { ...ANN, sub: undefined }, /^name: sub is missing/],
  ])('SEC-43 cannot be %s', (_, claims, message) => {
    expect(refusal(claims)).toMatch(message);
  });

  it.each(['ann+mesh@example.com', 'auth0|5f1', '00u1a-b_c'])('can be %s', (email) => {
    expect(userOfClaims({ ...ANN, email }, rules).name).toBe(email);
  });
});

describe('a session of before', () => {
  it('counts only for the same provider, with the groups that are configured now', () => {
    const user = userOfClaims({ ...ANN, groups: ['shop', '/platform/mesh'] }, rules);
    const now = { provider: 'p', groups: groupMap(['shop=buyers']) };
    expect(principalOf(user, 1, now)?.groups).toEqual(['buyers']);
    expect(principalOf(user, 1, { ...now, provider: 'q' })).toBeUndefined();
    expect(principalOf(user, 1, undefined)).toBeUndefined();
  });
});
