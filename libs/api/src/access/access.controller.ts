import { Controller, Get, Inject, Param, Query, Req } from '@nestjs/common';
import { z } from 'zod';
import {
  BUILT_IN_ROLES,
  builtInRules,
  type Registry,
  ROLE_SUMMARIES,
  type RoleRule,
  RUNTIME_KINDS,
  SERVER,
  VERBS,
} from '#libs/model';
import { AccessEach, Authenticated } from '../access.js';
import { API_DEPS, type ApiDeps } from '../deps.js';
import type { HttpRequest } from '../http.js';
import { requireMesh } from '../meshes.js';
import { ProblemError } from '../problem.js';
import { nothingQuery, parseQuery } from '../query.js';
import { AccessControl } from './access-control.js';
import { describeDenial, describeMissing } from './denials.js';
import { isNamed } from './role-policies.js';

export const canIQuery = z.strictObject({
  verb: z.enum(VERBS).describe('What is to be done: get, list, watch, create, update, delete, bind, escalate.'),
  kind: z
    .string()
    .max(63)
    .describe(`A kind, plural or alias; or ${RUNTIME_KINDS.join(', ')}.`),
  namespace: z.string().max(63).optional().describe('Absent = in every namespace, or of the whole mesh.'),
  name: z.string().max(253).optional().describe('Absent = whatever the name.'),
});

/** Who the caller is, what he may do, and which roles there are. */
@Controller('api/v1')
export class AccessController {
  constructor(
    @Inject(API_DEPS) private readonly deps: ApiDeps,
    @Inject(AccessControl) private readonly access: AccessControl,
  ) {}

  @Get('whoami')
  @Authenticated()
  async whoami(@Req() request: HttpRequest, @Query() query: unknown): Promise<unknown> {
    parseQuery(nothingQuery, query);
    const { principal } = request;
    if (principal?.type !== 'api') throw new ProblemError(403, 'forbidden', 'this endpoint is for API tokens');
    const { id, name, role, groups, meshes, expiresAt } = principal;
    const rights = this.access.rightsOf(principal);
    const known = await this.deps.store.resources.meshes();
    const bindings = known
      .filter((mesh) => rights.isIn(mesh))
      .flatMap((mesh) =>
        this.access.policies
          .bindingsIn(mesh)
          .filter(({ subjects }) => subjects.some((one) => isNamed(principal, one)))
          .map((one) => ({ mesh, binding: one.name, role: one.role, namespaces: one.namespaces, labels: one.labels })),
      );
    return { id, name, role, groups, meshes, expiresAt: new Date(expiresAt).toISOString(), bindings };
  }

  /** Answers without looking at any object: labels are left out, and whether it exists is not said. */
  @Get('meshes/:mesh/can-i')
  @AccessEach(...VERBS)
  async canI(@Param('mesh') mesh: string, @Req() request: HttpRequest, @Query() query: unknown): Promise<unknown> {
    await requireMesh(this.deps.store.resources, mesh);
    const { verb, kind, namespace, name } = parseQuery(canIQuery, query);
    const home = placeOf(this.deps.registry, kind, { mesh, namespace });
    const extent = { ...home, verb, name };
    const rights = this.access.rightsOf(request.principal);
    const grant = rights.grantOf(extent);
    if (grant) return { allowed: true, by: grant.from };
    const limited = rights.touches({ ...extent, namespace: home.namespace || undefined });
    return {
      allowed: false,
      ...(limited ? { limited: 'for some objects only: by namespace, name or label' } : {}),
      reason: describeDenial(extent, this.deps.registry.kinds),
      missing: describeMissing(extent, this.deps.registry.kinds),
    };
  }

  /** Built-in roles are no secret; those of the mesh are shown to who may read them. */
  @Get('meshes/:mesh/access/roles')
  @AccessEach(...VERBS)
  async roles(@Param('mesh') mesh: string, @Req() request: HttpRequest, @Query() query: unknown): Promise<unknown> {
    await requireMesh(this.deps.store.resources, mesh);
    parseQuery(nothingQuery, query);
    const { policies, kinds } = this.access;
    const builtIn = BUILT_IN_ROLES.map((name) => ({
      ...{ name, builtIn: true, summary: ROLE_SUMMARIES[name] },
      rules: builtInRules(name, kinds).map(ruleView),
    }));
    const roles = this.access.visible(request.principal, mesh, policies.rolesIn(mesh), ({ name }) => {
      return { kind: 'Role', namespace: '', name };
    });
    const bindings = this.access.visible(request.principal, mesh, policies.bindingsIn(mesh), ({ name }) => {
      return { kind: 'RoleBinding', namespace: '', name };
    });
    return {
      items: [
        ...builtIn,
        ...roles.shown.map(({ name, rules }) => ({ name, builtIn: false, summary: '', rules: rules.map(ruleView) })),
      ].map((role) => ({ ...role, boundBy: bindings.shown.filter((b) => b.role === role.name).map((b) => b.name) })),
    };
  }
}

/** Of the whole mesh, or of the server: these have no namespace, whatever was asked. @throws ProblemError 400 */
function placeOf(
  registry: Registry,
  asked: string,
  place: { readonly mesh: string; readonly namespace?: string | undefined },
) {
  const info = registry.find(asked);
  const kind = info?.kind ?? runtimeKind(asked);
  // A binding for a namespace is written by who may do so there.
  const ofMesh = info
    ? info.scope === 'mesh' && kind !== 'RoleBinding'
    : ['ApiToken', 'Audit', 'Metrics'].includes(kind);
  const mesh = kind === 'Metrics' ? SERVER : place.mesh;
  return { kind, mesh, namespace: ofMesh ? '' : place.namespace };
}

/** @throws ProblemError 400 */
function runtimeKind(kind: string): string {
  const found = RUNTIME_KINDS.find((known) => [known, `${known}s`].some((n) => n.toLowerCase() === kind.toLowerCase()));
  if (found) return found;
  throw new ProblemError(
    400,
    'invalid-query',
    `kind: there is no such kind; beside manifests there are ${RUNTIME_KINDS.join(', ')}`,
  );
}

/** A rule as it would be written, without what is empty. */
function ruleView({ verbs, kinds, groups, namespaces, names, labels }: RoleRule) {
  const lists = { verbs, kinds, groups, namespaces, names };
  const written = Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0));
  return Object.keys(labels).length === 0 ? written : { ...written, selector: { matchLabels: labels } };
}
