import { Controller, Get, HttpCode, Inject, Param, Post, Req } from '@nestjs/common';
import { z } from 'zod';
import type { ChangeOutcome } from '#libs/changes';
import { AccessControl } from './access/access-control.js';
import { visibleProgress } from './access/visible-changes.js';
import { AccessEach, APPLY_LIMIT, JsonBody } from './access.js';
import { API_DEPS, type ApiDeps } from './deps.js';
import { actorOf, type HttpRequest } from './http.js';
import { requireMesh } from './meshes.js';
import type { ChangeProgress } from './ports.js';
import { idempotencyKey } from './preconditions.js';
import { notFound } from './problem.js';
import { parseBy } from './query.js';
import { accepted } from './resource.service.js';

const dnsLabels = z.string().max(253);

export const applyBody = z.strictObject({
  manifests: z
    .array(z.unknown())
    .max(2_000)
    .default([])
    .describe('Manifests of any kind and namespace, at most 2,000. All are stored, or none.'),
  deletes: z
    .array(z.strictObject({ kind: z.string().max(63), namespace: dnsLabels.default(''), name: dnsLabels }))
    .max(2_000)
    .default([])
    .describe('Resources to delete in the same change; namespace "" for kinds of the whole mesh.'),
  message: z.string().max(1_000).default('').describe('Why: shown by history. At most 1,000 characters.'),
  dryRun: z.boolean().default(false).describe('Check everything and answer as if it were done, but store nothing.'),
});

/** Changes of many resources at once, and their delivery. */
@Controller('api/v1/meshes/:mesh')
export class ChangeController {
  constructor(
    @Inject(API_DEPS) private readonly deps: ApiDeps,
    @Inject(AccessControl) private readonly access: AccessControl,
  ) {}

  @Post('apply')
  @HttpCode(200)
  @AccessEach('create', 'update', 'delete')
  @JsonBody(APPLY_LIMIT)
  async apply(@Param('mesh') mesh: string, @Req() request: HttpRequest): Promise<ChangeOutcome> {
    const { manifests, deletes, message, dryRun } = parseBy(applyBody, request.body);
    // A mesh may come into being by the request that fills it.
    if (!manifests.some((m) => isMesh(m, mesh))) await requireMesh(this.deps.store.resources, mesh);
    const result = await this.deps.changes.apply({
      mesh,
      actor: actorOf(request),
      ...this.access.onBehalfOf(request.principal, mesh),
      message,
      dryRun,
      documents: manifests,
      deletes,
      idempotencyKey: idempotencyKey(request),
    });
    const outcome = accepted(result, this.deps.registry.kinds);
    await this.access.follow(outcome);
    return outcome;
  }

  @Get('changes/:change')
  @AccessEach('get')
  async progress(
    @Param('mesh') mesh: string,
    @Param('change') change: string,
    @Req() request: HttpRequest,
  ): Promise<ChangeProgress> {
    await requireMesh(this.deps.store.resources, mesh);
    const revision = Number(/^c-(\d{1,15})$/.exec(change)?.[1] ?? 0);
    const { configRevision } = await this.deps.store.identity();
    if (revision < 1 || revision > configRevision) throw notFound('there is no such change: heddle history lists them');
    const progress = await this.deps.runtime.progress(mesh, revision);
    return visibleProgress(this.access, request.principal, mesh, progress);
  }
}

const mentions = z.object({ kind: z.literal('Mesh'), metadata: z.object({ name: z.string() }) });

function isMesh(document: unknown, mesh: string): boolean {
  const parsed = mentions.safeParse(document);
  return parsed.success && parsed.data.metadata.name === mesh;
}
