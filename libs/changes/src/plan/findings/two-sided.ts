/** Changes of which a caller and who it calls must not have different halves. */
import { destinationKey, isHttp, isHttp2, SERVICE } from '#libs/compiler';
import type { Ctx } from '#libs/incremental';
import { flatMapped, type Steps } from '#libs/kernel';
import type { DomainValue, Service, ServicePort } from '#libs/model';
import { type Obstacle, wordsOf } from '../../two-sided/obstacles.js';
import { finish } from './index.js';
import type { Finding, FindingDraft } from './types.js';

/** Each is read twice. */
const SERVICES_A_PIECE = 64;

export function* twoSided(
  before: Ctx,
  after: Ctx,
  { puts, obstacles }: { readonly puts: readonly DomainValue[]; readonly obstacles: readonly Obstacle[] },
): Steps<readonly Finding[]> {
  const services = puts.flatMap((put) => (put.type === 'Service' ? [put.value] : []));
  const gone = yield* flatMapped(services, (service) => addressesThatGo(before, after, service), SERVICES_A_PIECE);
  return [...gone, ...obstacles.flatMap(draftsOf)].map((draft) => finish(draft, true));
}

/** Applications call an address, which no proxy can change for them: a port number, and how a protocol is reached. */
function addressesThatGo(before: Ctx, after: Ctx, { namespace, name }: Service): readonly FindingDraft[] {
  const key = destinationKey(namespace, name);
  const [old, next] = [before.input(SERVICE, key), after.input(SERVICE, key)];
  const resource = { kind: 'Service', namespace, name };
  return (old?.ports ?? []).flatMap((port): FindingDraft[] => {
    const why = whatGoes(
      port,
      next?.ports.find((one) => one.port === port.port),
    );
    if (why === undefined) return [];
    const message = `${why}. Without a failed request: add the new port beside this one, move the callers, then remove this one`;
    return [{ code: 'address-goes', resource, path: '/spec/ports', message, by: [] }];
  });
}

/** HTTP is called at the shared port; TCP, HTTP/2 and gRPC have addresses of their own. Envoys before 1.38 have these for all. */
const hasOwnAddress = (port: ServicePort): boolean => !isHttp(port) || isHttp2(port);

function whatGoes(port: ServicePort, now: ServicePort | undefined): string | undefined {
  if (!now) return `port ${port.port} goes: callers that still use it fail`;
  const loses = `port ${port.port} goes from ${port.protocol} to ${now.protocol} and loses`;
  if (isHttp(port) && !isHttp(now)) return `${loses} its place at the shared HTTP port: callers that use that fail`;
  if (hasOwnAddress(port) && !hasOwnAddress(now))
    return `${loses} its own address: callers that use that fail, but for those whose Envoy is older than 1.38`;
  return undefined;
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
