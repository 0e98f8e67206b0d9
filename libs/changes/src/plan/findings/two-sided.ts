/** Changes of which a caller and who it calls must not have different halves. */
import { destinationKey, isHttp, SERVICE } from '#libs/compiler';
import type { Ctx } from '#libs/incremental';
import type { DomainValue, Service } from '#libs/model';
import { type Obstacle, wordsOf } from '../../two-sided/obstacles.js';
import { finish } from './index.js';
import type { Finding, FindingDraft } from './types.js';

export function twoSided(
  before: Ctx,
  after: Ctx,
  { puts, obstacles }: { readonly puts: readonly DomainValue[]; readonly obstacles: readonly Obstacle[] },
): readonly Finding[] {
  const services = puts.flatMap((put) => (put.type === 'Service' ? [put.value] : []));
  const drafts = [
    ...services.flatMap((service) => addressesThatGo(before, after, service)),
    ...obstacles.flatMap(draftsOf),
  ];
  return drafts.map((draft) => finish(draft, true));
}

/** Applications call an address, which no proxy can change for them: a port number, and how a protocol is reached. */
function addressesThatGo(before: Ctx, after: Ctx, { namespace, name }: Service): readonly FindingDraft[] {
  const key = destinationKey(namespace, name);
  const [old, next] = [before.input(SERVICE, key), after.input(SERVICE, key)];
  const resource = { kind: 'Service', namespace, name };
  return (old?.ports ?? []).flatMap((port): FindingDraft[] => {
    const now = next?.ports.find((one) => one.port === port.port);
    if (now && isHttp(now) === isHttp(port)) return [];
    const why = now
      ? `port ${port.port} goes from ${port.protocol} to ${now.protocol}: HTTP is called at the shared port, TCP at an address of its own (but by Envoys before 1.38), so callers of the former lose it`
      : `port ${port.port} goes: callers that still use it fail`;
    const message = `${why}. Without a failed request: add the new port beside this one, move the callers, then remove this one`;
    return [{ code: 'address-goes', resource, path: '/spec/ports', message, by: [] }];
  });
}

/** One for each service, so that whoever may not read of one is not told of it. */
function draftsOf(obstacle: Obstacle): readonly FindingDraft[] {
  const { code, mesh } = obstacle;
  if (code === 'plaintext-in-use')
    return obstacle.uses.map(({ kind, namespace, name, requests }) => {
      const resource = { kind, namespace, name };
      const message = `${requests} requests came without mutual TLS in the last 5 minutes: they would be refused`;
      return { code, resource, path: '', message, by: [] };
    });
  const resource = { kind: 'Mesh', namespace: '', name: mesh };
  return [{ code, resource, path: '/spec/trustDomain', message: wordsOf(obstacle, () => false), by: [] }];
}
