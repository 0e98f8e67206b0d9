import type { ServiceGuards } from '#libs/changes';
import type { Ref } from '../catalogue/catalogue.view.js';
import type { OpenService } from './security.view.js';

/** Services with a port that every identity may call. One that is not compiled has no port, so nobody can call it. */
export function openAmong(
  services: readonly Ref[],
  guards: ReadonlyMap<string, ServiceGuards>,
): readonly OpenService[] {
  return services.flatMap(({ namespace, name }) => {
    const service = `${namespace}/${name}`;
    const ports = guards.get(service) ?? [];
    const open = ports.filter(({ state }) => state === 'open');
    if (open.length === 0) return [];
    return {
      ...{ service, ports: open.map(({ port }) => port), isPartly: open.length < ports.length },
      denies: open.some(({ by }) => by.length > 0),
    };
  });
}
