import { Controller, Get, Inject, Param, Req } from '@nestjs/common';
import {
  Access,
  AccessControl,
  API_DEPS,
  type ApiDeps,
  type HttpRequest,
  requireMesh,
  visibleHistory,
} from '#libs/api';
import { isStagedOver } from '#libs/kernel';
import { requireHome } from '../session/homes.js';
import { trialsOf } from '../trials.js';
import { proxiesAtAGlance } from './operator.home.js';
import type { ChangeInFlight, OperatorHome } from './operator.view.js';

const CHANGES = 6;
const TRIALS = 50;

/** The home of who keeps the mesh running: proxies that need a look, and what is under way. */
@Controller('api/dashboard/meshes/:mesh/operator')
export class OperatorController {
  constructor(
    @Inject(API_DEPS) private readonly deps: ApiDeps,
    @Inject(AccessControl) private readonly access: AccessControl,
  ) {}

  @Get()
  @Access('list', 'Proxy')
  async home(@Param('mesh') mesh: string, @Req() { principal }: HttpRequest): Promise<OperatorHome> {
    const { deps, access } = this;
    const { store, runtime } = deps;
    await requireMesh(store.resources, mesh);
    requireHome(access.rightsOf(principal), mesh, 'operator');
    const ofProxy = ({ namespace, instance }: { readonly namespace: string; readonly instance: string }) => {
      return { kind: 'Proxy', namespace, name: instance };
    };
    const proxies = access.visible(principal, mesh, await runtime.proxies(mesh), ofProxy).shown;
    const trials = await trialsOf({ deps, access, caller: principal, mesh }, TRIALS);
    const [items, contents] = await Promise.all([store.quarantine.list(mesh), store.badContents.list(mesh)]);
    return {
      ...proxiesAtAGlance(proxies),
      changes: await this.changes(mesh, principal),
      trials: trials
        .filter((one) => !isStagedOver(one))
        .map(({ id, state, message, hidden }) => ({ id, state, message, ...(hidden ? { hidden } : {}) })),
      quarantined: items.length + contents.length,
    };
  }

  private async changes(mesh: string, caller: HttpRequest['principal']): Promise<readonly ChangeInFlight[]> {
    const { store, deliveries } = this.deps;
    const entries = await visibleHistory(this.access, caller, { mesh, limit: CHANGES }, store.history);
    const found = await deliveries.of(mesh, entries);
    return entries.map(({ change, at, actor, message }, i) => {
      const { state = 'Unknown', acked = 0, total = 0, refusing = 0 } = found[i] ?? {};
      return { change, at, actor, message, state, acked, total, refused: refusing };
    });
  }
}
