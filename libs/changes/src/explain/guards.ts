/** Which ports are open to every identity of the mesh, and whose policies guard the others. */
import { destinationsIn, guardsOf } from '#libs/compiler';
import { mapped, type Steps } from '#libs/kernel';
import type { LiveMesh } from '../live.js';
import { beside } from '../plan/beside.js';
import type { Guards, ServiceGuards } from './types.js';

/** Services that cost about a millisecond. */
const PIECE = 32;

/** @param service `<namespace>/<name>`; undefined = all of the mesh */
export function explainGuards(live: LiveMesh, service: string | undefined): Promise<Guards> {
  return beside(live, { puts: [], deletes: [] }, function* ({ before: { ctx } }, revisions): Steps<Guards> {
    const keys = service === undefined ? destinationsIn(ctx) : [service];
    const services = yield* mapped(keys, (key) => ({ key, ports: guardsOf(ctx, key) }), PIECE);
    return {
      ...{ revision: revisions.configRevision, runtimeRevision: revisions.runtimeRevision },
      services: new Map(
        services.filter(({ ports }) => ports.length > 0).map(({ key, ports }) => [key, portsOf(ports)]),
      ),
    };
  });
}

const portsOf = (ports: ReturnType<typeof guardsOf>): ServiceGuards =>
  ports.map(({ port, state, by }) => ({
    ...{ port, state },
    by: by.map(({ kind, namespace, name }) => ({ kind, namespace, name })),
  }));
