import { Controller, Get, HttpCode, Inject, Post, Query, Req, Res } from '@nestjs/common';
import { SERVER } from '#libs/model';
import type { AuditVerdict, Page } from '#libs/store';
import { AccessControl } from '../access/access-control.js';
import { Access, APPLY_LIMIT, JsonBody } from '../access.js';
import { API_DEPS, type ApiDeps } from '../deps.js';
import type { HttpRequest, HttpResponse } from '../http.js';
import { parseBy, parseQuery } from '../query.js';
import { auditQuery, failuresQuery, resourceOf, statementsQuery, verifyBody } from './audit.query.js';
import { sendLines, untilClosed } from './lines.js';
import { type VisibleAuditEntry, visibleAudit } from './visible-audit.js';

/** Entries after which a verification says how far it has come. */
const PROGRESS_EVERY = 5_000;

/** The audit chain of the whole control plane: one for all meshes, so it needs a right that no mesh can give. */
@Controller('api/v1/audit')
export class AuditController {
  constructor(
    @Inject(API_DEPS) private readonly deps: ApiDeps,
    @Inject(AccessControl) private readonly access: AccessControl,
  ) {}

  /** What is of no single mesh: tokens of the server, cuts of history. */
  @Get()
  @Access('get', 'Audit')
  async search(@Query() query: unknown, @Req() request: HttpRequest): Promise<Page<VisibleAuditEntry>> {
    const { kind, namespace, name, ...rest } = parseQuery(auditQuery, query);
    const asked = { mesh: SERVER, resource: resourceOf({ kind, namespace, name }) };
    const { items, cursor } = await this.deps.store.audit.search({ ...asked, ...rest });
    return { items: visibleAudit(this.access, request.principal, asked, items), cursor };
  }

  /** Lines `{progress}`, then one `{verdict}`. */
  @Post('verify')
  @HttpCode(200)
  @Access('get', 'Audit')
  @JsonBody(APPLY_LIMIT)
  async verify(@Req() request: HttpRequest, @Res() response: HttpResponse): Promise<void> {
    const body = parseBy(verifyBody, request.body);
    const signal = untilClosed(response);
    let told = 0;
    const onProgress = (progress: { seq: number; head: number }): void => {
      if (signal.aborted || progress.seq - told < PROGRESS_EVERY) return;
      told = progress.seq;
      if (!response.headersSent) response.setHeader('Content-Type', 'application/x-ndjson; charset=utf-8');
      response.write(`${JSON.stringify({ progress })}\n`);
    };
    const verdict = await this.deps.store.audit.verify({ ...body, onProgress, signal });
    await sendLines(response, verdictLine(verdict), signal);
  }

  @Get('export')
  @Access('get', 'Audit')
  async export(@Res() response: HttpResponse): Promise<void> {
    const signal = untilClosed(response);
    await sendLines(response, this.deps.store.audit.export(signal), signal);
  }

  @Get('checkpoints')
  @Access('get', 'Audit')
  async checkpoints(@Query() query: unknown): Promise<unknown> {
    const { after, limit } = parseQuery(statementsQuery, query);
    const { audit } = this.deps.store;
    const statements = await audit.statements(after, limit);
    return {
      items: statements.map(({ id, kind, document }) => ({ id, kind, statement: JSON.parse(document) as unknown })),
      destinations: await audit.exports(),
    };
  }

  @Get('access-failures')
  @Access('get', 'Audit')
  async accessFailures(@Query() query: unknown): Promise<unknown> {
    return { items: await this.deps.store.audit.accessFailures(parseQuery(failuresQuery, query).limit) };
  }
}

async function* verdictLine(verdict: AuditVerdict): AsyncGenerator<string> {
  yield await Promise.resolve(JSON.stringify({ verdict }));
}
