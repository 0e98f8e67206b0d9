import { createHash } from 'node:crypto';
import { Controller, Get, Header, Inject, Param, Query, Req, Res } from '@nestjs/common';
import { z } from 'zod';
import type { Resources, StoredResource } from '#libs/store';
import { AccessControl } from '../access/access-control.js';
import { Access } from '../access.js';
import { API_DEPS, type ApiDeps } from '../deps.js';
import type { HttpRequest, HttpResponse } from '../http.js';
import { requireMesh } from '../meshes.js';
import { hasTag } from '../preconditions.js';
import { nothingQuery, parseQuery } from '../query.js';
import { type Selecting, targetsOf } from './targets.js';

const PAGE = 500;
const specSchema = z.object({
  selector: z.object({ matchLabels: z.record(z.string(), z.string()) }).optional(),
});

/** For Prometheus. */
@Controller('api/v1/meshes/:mesh/prometheus')
export class PrometheusController {
  constructor(
    @Inject(API_DEPS) private readonly deps: ApiDeps,
    @Inject(AccessControl) private readonly access: AccessControl,
  ) {}

  /** Whom it scrapes (`http_sd_configs`): sidecars that let it in, of instances that the caller may list. */
  @Get('targets')
  @Access('list', 'Instance')
  @Header('Cache-Control', 'no-cache')
  @Header('Content-Type', 'application/json; charset=utf-8')
  async targets(
    @Param('mesh') mesh: string,
    @Query() query: unknown,
    @Req() request: HttpRequest,
    @Res() response: HttpResponse,
  ): Promise<void> {
    parseQuery(nothingQuery, query);
    const { resources, instances } = this.deps.store;
    await requireMesh(resources, mesh);
    const { principal } = request;
    const rows = (await instances.list(mesh)).filter(
      ({ namespace, name, labels, metrics }) =>
        metrics !== undefined &&
        this.access.may(principal, 'list', mesh, { kind: 'Instance', namespace, name, labels }),
    );
    const known = rows.length === 0 ? [] : await servicesOf(resources, mesh);
    const services = known.filter((row) => this.access.may(principal, 'list', mesh, row)).flatMap(selecting);
    const scraping = await this.deps.scraping.of(mesh);
    const body = JSON.stringify(targetsOf({ mesh, instances: rows, services, scraping }));
    const tag = `"${createHash('sha256').update(body).digest('base64url')}"`;
    response.setHeader('ETag', tag);
    response.statusCode = hasTag(request, tag) ? 304 : 200;
    response.end(response.statusCode === 304 ? undefined : body);
  }
}

async function servicesOf(resources: Pick<Resources, 'list'>, mesh: string): Promise<StoredResource[]> {
  const found: StoredResource[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await resources.list({ mesh, kind: 'Service', limit: PAGE, cursor });
    found.push(...page.items);
    cursor = page.cursor;
    if (cursor === undefined) return found;
  }
}

/** None of one whose row cannot be read any more: it is served by nobody. */
function selecting({ namespace, name, spec }: StoredResource): Selecting[] {
  const parsed = specSchema.safeParse(spec);
  if (!parsed.success) return [];
  return [{ namespace, name, selector: parsed.data.selector?.matchLabels ?? { workload: name } }];
}
