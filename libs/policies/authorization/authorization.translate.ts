/** Rules as Envoy's RBAC. Literals become exact and prefix matchers only, never regular expressions (G4, SEC-54). */
import {
  type MessageInitShape,
  type PermissionSchema,
  type PrincipalSchema,
  RBAC_Action,
  type RBACSchema,
} from '#libs/envoy-api';
import {
  type InboundContext,
  type InboundPatch,
  namespacePrefix,
  parseSpiffeId,
  type TcpPrincipal,
  workloadId,
} from '#libs/model';
import type { AuthorizationRule, EffectiveAuthorization } from './authorization.resolve.js';

type PermissionInit = MessageInitShape<typeof PermissionSchema>;
type PrincipalInit = MessageInitShape<typeof PrincipalSchema>;
type RbacInit = MessageInitShape<typeof RBACSchema>;
type Text = { readonly case: 'exact' | 'prefix'; readonly value: string };

/** Patch of an inbound port: RBAC for HTTP, lists of identities for TCP. */
export function authorizationToInbound(effective: EffectiveAuthorization, context: InboundContext): InboundPatch {
  return context.protocol === 'tcp' ? toTcp(effective, context) : toHttp(effective, context);
}

function toHttp({ allow, deny }: EffectiveAuthorization, { trustDomains }: InboundContext): InboundPatch {
  return {
    ...(allow && { allow: toRbac(RBAC_Action.ALLOW, allow, trustDomains) }),
    ...(deny.length > 0 && { deny: toRbac(RBAC_Action.DENY, deny, trustDomains) }),
  };
}

function toRbac(action: RBAC_Action, rules: readonly AuthorizationRule[], domains: readonly string[]): RbacInit {
  const policies = rules.map((rule) => {
    const identities = identitiesOf(rule, domains);
    const principals = identities ? identities.map(toPrincipal) : [anyone(action)];
    return [rule.name, { principals, permissions: toPermissions(rule) }] as const;
  });
  return { action, policies: Object.fromEntries(policies) };
}

/** Who a rule is about; undefined = it does not say. */
function identitiesOf(rule: AuthorizationRule, domains: readonly string[]): readonly TcpPrincipal[] | undefined {
  return rule.from?.flatMap(({ principals = [], workloads = [], namespaces = [] }): readonly TcpPrincipal[] => [
    ...principals.flatMap((exact) => inEach(exact, domains)),
    ...workloads.flatMap((name) => {
      const [namespace = '', workload = ''] = name.split('/');
      return domains.map((domain) => ({ exact: workloadId(domain, namespace, workload) }));
    }),
    ...namespaces.flatMap((namespace) => domains.map((domain) => ({ prefix: namespacePrefix(domain, namespace) }))),
  ]);
}

/** An identity of the mesh is the same one in each of its trust domains; another's is what it is. */
function inEach(id: string, domains: readonly string[]): readonly TcpPrincipal[] {
  const parsed = parseSpiffeId(id);
  if (!parsed || !domains.includes(parsed.trustDomain)) return [{ exact: id }];
  return domains.map((domain) => ({ exact: `spiffe://${domain}/${parsed.path.join('/')}` }));
}

/**
 * A rule without `from`: an ALLOW still asks for a verified identity, so that a caller without one is not let in where
 * plaintext is permitted; a DENY is about everybody (SEC-55).
 */
const anyone = (action: RBAC_Action): PrincipalInit =>
  action === RBAC_Action.ALLOW
    ? { identifier: { case: 'authenticated', value: {} } }
    : { identifier: { case: 'any', value: true } };

const matcher = (pattern: Text): { readonly matchPattern: Text } => ({ matchPattern: pattern });

/** Envoy's `authenticated.principal_name` is the URI SAN of the verified certificate. */
const toPrincipal = (identity: TcpPrincipal): PrincipalInit => {
  const pattern: Text =
    'exact' in identity ? { case: 'exact', value: identity.exact } : { case: 'prefix', value: identity.prefix };
  return { identifier: { case: 'authenticated', value: { principalName: matcher(pattern) } } };
};

function toPermissions(rule: AuthorizationRule): PermissionInit[] {
  if (!rule.to) return [{ rule: { case: 'any', value: true } }];
  return rule.to.map(({ methods, paths, hosts }) =>
    all(
      [methods?.map(toMethod), paths?.map(toPath), hosts?.flatMap(toHosts)].flatMap((group) =>
        group ? [any(group)] : [],
      ),
    ),
  );
}

const all = (rules: PermissionInit[]): PermissionInit =>
  rules.length === 1 && rules[0] ? rules[0] : { rule: { case: 'andRules', value: { rules } } };
const any = (rules: PermissionInit[]): PermissionInit =>
  rules.length === 1 && rules[0] ? rules[0] : { rule: { case: 'orRules', value: { rules } } };

const toMethod = (method: string): PermissionInit => header(':method', { case: 'exact', value: method }, false);

const header = (name: string, pattern: Text, ignoreCase: boolean): PermissionInit => ({
  rule: {
    case: 'header',
    value: { name, headerMatchSpecifier: { case: 'stringMatch', value: { ...matcher(pattern), ignoreCase } } },
  },
});

/** `url_path` is the path without query, after the listener has normalised it (SEC-51). */
const toPath = (path: string): PermissionInit => {
  const pattern: Text = path.endsWith('*')
    ? { case: 'prefix', value: path.slice(0, -1) }
    : { case: 'exact', value: path };
  return { rule: { case: 'urlPath', value: { rule: { case: 'path', value: matcher(pattern) } } } };
};

/** Letter case, port and trailing dot of `Host` do not count (SEC-52); nothing but a port may follow the colon. */
const toHosts = (host: string): PermissionInit[] =>
  [host, `${host}.`].flatMap((name) => [
    header(':authority', { case: 'exact', value: name }, true),
    header(':authority', { case: 'prefix', value: `${name}:` }, true),
  ]);

/**
 * TCP has no methods, paths and hosts (SEC-59): an ALLOW rule that asks for them matches nothing; a DENY rule denies
 * its callers altogether, since what they do cannot be seen.
 */
function toTcp({ allow, deny }: EffectiveAuthorization, { trustDomains }: InboundContext): InboundPatch {
  const everyone: readonly TcpPrincipal[] = trustDomains.map((domain) => ({ prefix: `spiffe://${domain}/` }));
  const callers = (rules: readonly AuthorizationRule[]): readonly TcpPrincipal[] =>
    rules.flatMap((rule) => identitiesOf(rule, trustDomains) ?? everyone);
  return {
    ...(allow && { tcpAllowed: callers(allow.filter((rule) => rule.to === undefined)) }),
    ...(deny.length > 0 && { tcpDenied: callers(deny) }),
  };
}
