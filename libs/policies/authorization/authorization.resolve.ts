import type { Contribution, Source } from '#libs/model';
import type { AuthorizationRuleSpec, AuthorizationSpec } from './authorization.schema.js';

/** A rule with the name under which it appears in Envoy: `AuthorizationPolicy/<namespace>/<name>/<index>`. */
export interface AuthorizationRule extends AuthorizationRuleSpec {
  readonly name: string;
}

/** Policies of all levels add up: an ALLOW of the mesh and one of the service allow what either of them does. */
export interface EffectiveAuthorization {
  /** Undefined when no policy has action ALLOW: then everybody of the mesh may call. Empty = nobody may. */
  readonly allow: readonly AuthorizationRule[] | undefined;
  readonly deny: readonly AuthorizationRule[];
  readonly sources: readonly Source[];
}

/** Joins the rules of all policies; the order of rules does not matter, since any match suffices. */
export function resolveAuthorization(
  contributions: readonly Contribution<AuthorizationSpec>[],
): EffectiveAuthorization {
  const rulesOf = (action: AuthorizationSpec['action']): readonly AuthorizationRule[] =>
    contributions.filter(({ spec }) => spec.action === action).flatMap(namedRules);
  return {
    allow: contributions.some(({ spec }) => spec.action === 'ALLOW') ? rulesOf('ALLOW') : undefined,
    deny: rulesOf('DENY'),
    sources: contributions.map(({ source }) => source),
  };
}

const namedRules = ({ spec, source }: Contribution<AuthorizationSpec>): readonly AuthorizationRule[] =>
  spec.rules.map((rule, index) => ({ ...rule, name: `${source.kind}/${source.namespace}/${source.name}/${index}` }));
