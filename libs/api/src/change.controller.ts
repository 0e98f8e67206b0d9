import { Controller, Get, HttpCode, Inject, Param, Post, Req } from '@nestjs/common';
import { z } from 'zod';
import type { ChangeOutcome } from '#libs/changes';
import { Access, APPLY_LIMIT, JsonBody } from './access.js';
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
  constructor(@Inject(API_DEPS) private readonly deps: ApiDeps) {}

  @Post('apply')
  @HttpCode(200)
  @Access('operator')
  @JsonBody(APPLY_LIMIT)
  async apply(@Param('mesh') mesh: string, @Req() request: HttpRequest): Promise<ChangeOutcome> {
    const { manifests, deletes, message, dryRun } = parseBy(applyBody, request.body);
    // A mesh may come into being by the request that fills it.
    if (!manifests.some((m) => isMesh(m, mesh))) await requireMesh(this.deps.store.resources, mesh);
    const result = await this.deps.changes.apply({
      mesh,
      actor: actorOf(request),
      message,
      dryRun,
      documents: manifests,
      deletes,
      idempotencyKey: idempotencyKey(request),
    });
    return accepted(result);
  }

  @Get('changes/:change')
  @Access('viewer')
  async progress(@Param('mesh') mesh: string, @Param('change') change: string): Promise<ChangeProgress> {
    await requireMesh(this.deps.store.resources, mesh);
    const revision = Number(/^c-(\d{1,15})$/.exec(change)?.[1] ?? 0);
    const { configRevision } = await this.deps.store.identity();
    if (revision < 1 || revision > configRevision) throw notFound('there is no such change: heddle history lists them');
    return this.deps.runtime.progress(mesh, revision);
  }
}

const mentions = z.object({ kind: z.literal('Mesh'), metadata: z.object({ name: z.string() }) });

function isMesh(document: unknown, mesh: string): boolean {
  const parsed = mentions.safeParse(document);
  return parsed.success && parsed.data.metadata.name === mesh;
}
