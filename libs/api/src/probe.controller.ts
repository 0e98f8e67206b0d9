import { Controller, Get, Header, Inject, Res } from '@nestjs/common';
import { Access, Anonymous } from './access.js';
import { API_DEPS, type ApiDeps } from './deps.js';
import type { HttpResponse } from './http.js';

interface Readiness {
  readonly status: 'ready' | 'not ready';
  /** Serves proxies. */
  readonly xds: boolean;
  /** Takes writes: false while the database is away, which does not stop proxies from being served (REL-2). */
  readonly api: boolean;
}

/** For supervisors and Prometheus. Without a token they say a status, nothing else. */
@Controller()
export class ProbeController {
  constructor(@Inject(API_DEPS) private readonly deps: ApiDeps) {}

  @Get('livez')
  @Anonymous()
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  /** 200 when proxies are served: a load balancer must not take a replica away because the database is. */
  @Get('readyz')
  @Anonymous()
  async ready(@Res({ passthrough: true }) response: HttpResponse): Promise<Readiness> {
    const readiness = await this.readiness();
    response.statusCode = readiness.xds ? 200 : 503;
    return readiness;
  }

  /** 200 when writes are taken, too. */
  @Get('readyz/api')
  @Anonymous()
  async readyApi(@Res({ passthrough: true }) response: HttpResponse): Promise<Readiness> {
    const readiness = await this.readiness();
    response.statusCode = readiness.api ? 200 : 503;
    return readiness;
  }

  @Get('metrics')
  @Access('get', 'Metrics')
  @Header('Cache-Control', 'no-store')
  async metrics(@Res() response: HttpResponse): Promise<void> {
    const { contentType, body } = await this.deps.exposition();
    response.setHeader('Content-Type', contentType);
    response.end(body);
  }

  private async readiness(): Promise<Readiness> {
    const xds = this.deps.runtime.readiness().ready;
    const api = xds && (await this.deps.store.ping());
    return { status: xds ? 'ready' : 'not ready', xds, api };
  }
}
