import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { API_DEPS, type ApiDeps } from '../deps.js';
import type { HttpRequest, HttpResponse } from '../http.js';
import { requireMesh } from '../meshes.js';
import { OpenStreams } from './open-streams.js';
import { ChangePages, type FoundChange } from './pages.js';

/** A request for a stream of events, which may have one. */
export interface StreamRequest extends HttpRequest {
  /** What it is about; undefined = the mesh. */
  found?: FoundChange;
}

/** Says no while that can still be an answer of its own: once the handler is asked, headers of a stream are sent. */
@Injectable()
export class StreamGuard implements CanActivate {
  constructor(
    @Inject(API_DEPS) private readonly deps: ApiDeps,
    @Inject(ChangePages) private readonly pages: ChangePages,
    @Inject(OpenStreams) private readonly streams: OpenStreams,
  ) {}

  /** @throws ProblemError 404, 429 */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<StreamRequest>();
    const { mesh = '', change } = request.params;
    await requireMesh(this.deps.store.resources, mesh);
    if (change !== undefined) request.found = await this.pages.find(mesh, change, request.principal);
    this.streams.admit(request, context.switchToHttp().getResponse<HttpResponse>());
    return true;
  }
}
