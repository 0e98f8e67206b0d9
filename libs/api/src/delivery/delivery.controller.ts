import { Controller, Get, Inject, type MessageEvent, Param, Req, Sse, UseGuards } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { AccessControl } from '../access/access-control.js';
import { AccessEach } from '../access.js';
import { API_DEPS, type ApiDeps } from '../deps.js';
import type { HttpRequest } from '../http.js';
import { requireMesh } from '../meshes.js';
import { notFound } from '../problem.js';
import type { ChangePage } from '../views.js';
import { changeEvents } from './change-events.js';
import { MeshEvents } from './mesh-events.js';
import { OpenStreams } from './open-streams.js';
import { ChangePages } from './pages.js';
import { StreamGuard, type StreamRequest } from './stream.guard.js';

/** Characters of events that may wait for a client which does not read; then it is cut off, and may come back. */
const STREAM = { maxPendingDataLength: 1024 * 1024 };

/** How far changes come: their pages and events. */
@Controller('api/v1/meshes/:mesh')
export class DeliveryController {
  readonly #meshEvents: MeshEvents;

  constructor(
    @Inject(API_DEPS) private readonly deps: ApiDeps,
    @Inject(AccessControl) access: AccessControl,
    @Inject(ChangePages) private readonly pages: ChangePages,
    @Inject(OpenStreams) private readonly streams: OpenStreams,
  ) {
    this.#meshEvents = new MeshEvents({ ...deps, access, streams });
  }

  @Get('changes/:change')
  @AccessEach('get')
  async page(
    @Param('mesh') mesh: string,
    @Param('change') change: string,
    @Req() request: HttpRequest,
  ): Promise<ChangePage> {
    await requireMesh(this.deps.store.resources, mesh);
    return this.pages.page(await this.pages.find(mesh, change, request.principal), request.principal);
  }

  @Sse('changes/:change/events', STREAM)
  @AccessEach('watch')
  @UseGuards(StreamGuard)
  events(@Req() request: StreamRequest): Observable<MessageEvent> {
    const { found } = request;
    if (!found) throw notFound('there is no such change');
    const { pages, streams } = this;
    return changeEvents({ ...this.deps, pages, streams }, found, request);
  }

  @Sse('events', STREAM)
  @AccessEach('watch')
  @UseGuards(StreamGuard)
  ofMesh(@Param('mesh') mesh: string, @Req() request: StreamRequest): Observable<MessageEvent> {
    return this.#meshEvents.of(mesh, request);
  }
}
