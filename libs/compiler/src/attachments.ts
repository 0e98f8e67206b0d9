/** Which routes govern a service port, for whom. */
import type { Ctx } from '#libs/incremental';
import type { Route, ServicePort } from '#libs/model';
import type { Destination } from './destinations.js';
import { attachment, ROUTE, ROUTES_BY_PARENT } from './inputs.js';
import { destinationKey } from './names.js';

/** A GRPCRoute needs a port that speaks HTTP/2 to the application; an HTTPRoute any HTTP. */
export const suits = (route: Pick<Route, 'kind'>, port: ServicePort): boolean =>
  route.kind === 'HTTPRoute' ? port.protocol !== 'tcp' : port.protocol === 'grpc' || port.protocol === 'http2';

/** Whether one of the route's parents is this port. */
export const isAttached = (route: Route, destination: Destination, port: ServicePort): boolean =>
  suits(route, port) &&
  route.parents.some(
    (p) =>
      p.kind === destination.kind &&
      destinationKey(p.namespace, p.name) === destination.key &&
      (p.port === undefined || p.port === port.port),
  );

/** Routes of one namespace that are attached to a port. */
export const attachedFrom = (
  ctx: Ctx,
  destination: Destination,
  port: ServicePort,
  namespace: string,
): readonly Route[] =>
  ctx
    .index(ROUTES_BY_PARENT, attachment(destination.kind, destination.key, namespace))
    .flatMap((key) => ctx.input(ROUTE, key) ?? [])
    .filter((route) => isAttached(route, destination, port));

/**
 * Routes that govern a port for callers of a namespace; '' = callers of no particular one. GAMMA: routes in the caller's
 * namespace (consumer routes) take the place of those in the service's own (producer routes).
 */
export function governing(ctx: Ctx, destination: Destination, port: ServicePort, caller: string): readonly Route[] {
  const own = destination.value.namespace;
  const consumer = caller === '' || caller === own ? [] : attachedFrom(ctx, destination, port, caller);
  return consumer.length > 0 ? consumer : attachedFrom(ctx, destination, port, own);
}
