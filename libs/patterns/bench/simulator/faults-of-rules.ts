import type { Outcome } from '#libs/telemetry';
import { during, type Effect } from './effects.js';
import { change, loudest } from './faults-of-services.js';
import { type SimEdge, type SimService, workloadOf } from './mesh.js';
import { cause, edgesInto, type Ground, ids, type Plant, serving, steady, strength, target } from './plant.js';

const FOREVER = Number.POSITIVE_INFINITY;

/** Refused before it is sent, for one caller or all. */
const refused =
  (
    name: 'circuit_breaker' | 'rate_limit' | 'dns' | 'no_route' | 'fault_injection',
    { outcome, what, caused }: { readonly outcome: Outcome; readonly what: string; readonly caused: number },
  ): Plant =>
  (ground) => {
    const { random, from } = ground;
    const share = name === 'no_route' ? 1 : strength(random);
    const service = target(ground, { share: share / 4 });
    const caller = random.chance(0.4) ? busiest(ground, service) : undefined;
    const route =
      name === 'no_route' && caller === undefined ? edgesInto(ground, service)[0]?.routes[0]?.name : undefined;
    const events = cause(ground, caused, change(service, what));
    return {
      truth: {
        name,
        callee: service.callee,
        ...(caller ? { caller: workloadOf(caller.caller) } : {}),
        from,
        due: from,
        causes: ids(events),
        variant: `${caller ? 'one caller' : 'all'} ${share}`,
      },
      effects: [
        {
          activity: during(from, FOREVER, { strength: share }),
          callee: service,
          refuses: {
            outcome,
            hit: (attempt) =>
              (caller === undefined || attempt.edge === caller) && (route === undefined || attempt.route === route),
          },
        },
      ],
      events,
    };
  };

/** The edge that alone shows the fault soon enough. */
function busiest(ground: Ground, service: SimService): SimEdge | undefined {
  return loudest(ground, edgesInto(ground, service));
}

export const circuitBreaker = refused('circuit_breaker', { outcome: 'overflow', what: 'CircuitBreaker', caused: 0.6 });
export const rateLimit = refused('rate_limit', { outcome: 'rate_limited', what: 'RateLimit', caused: 0.7 });
export const dns = refused('dns', { outcome: 'dns', what: 'Service', caused: 0.5 });
export const noRoute = refused('no_route', { outcome: 'no_route', what: 'HTTPRoute', caused: 1 });
export const faultInjection = refused('fault_injection', { outcome: 'injected', what: 'FaultInjection', caused: 0.8 });

export const authorization: Plant = (ground) => {
  const { random, from } = ground;
  const service = target(ground, { share: 0.25 });
  const caller = random.chance(0.6) ? busiest(ground, service) : undefined;
  const events = cause(ground, 0.85, change(service, 'AuthorizationPolicy'));
  return {
    truth: {
      name: 'authorization',
      callee: service.callee,
      ...(caller ? { caller: workloadOf(caller.caller) } : {}),
      from,
      due: from,
      causes: ids(events),
      variant: caller ? 'one caller' : 'all',
    },
    effects: [
      {
        activity: during(from, FOREVER),
        callee: service,
        fails: { outcome: 'denied', hit: ({ edge }) => caller === undefined || edge === caller },
      },
    ],
    events,
  };
};

export const certificate: Plant = (ground) => {
  const { random, from } = ground;
  const kind = random.pick(['service', 'host', 'caller'] as const);
  const service = target(ground, { share: 0.15, fits: (one) => serving(one, from).length > 1 });
  const instance = random.pick(serving(service, from));
  const touched = kind === 'host' ? instance.id : service.name;
  const events = cause(
    ground,
    0.7,
    random.chance(0.6)
      ? { kind: 'rotation', title: `Certificate of ${touched} renewed`, touches: [touched] }
      : change(service, 'PeerAuthentication'),
  );
  const truth = { name: 'certificate', from, due: from, causes: ids(events), variant: kind } as const;
  const effect = (hit: NonNullable<Effect['fails']>['hit']): Effect => ({
    activity: during(from, FOREVER, { strength: random.pick([0.5, 1]) }),
    fails: { outcome: 'tls', hit },
  });
  // A workload whose certificate nobody accepts: seen by all that it calls.
  if (kind === 'caller' && ground.mesh.edges.filter(({ caller }) => caller === service).length > 0) {
    return {
      truth: { ...truth, caller: service.name },
      effects: [effect(({ edge }) => edge.caller === service)],
      events,
    };
  }
  return {
    truth: { ...truth, callee: service.callee, ...(kind === 'host' ? { instance: instance.id } : {}) },
    effects: [
      effect((attempt) => attempt.edge.callee === service && (kind !== 'host' || attempt.instance === instance)),
    ],
    events,
  };
};

export const noInstance: Plant = (ground) => {
  const { random, from } = ground;
  const service = target(ground, { fits: (one) => steady(one, from) });
  const kind = random.pick(['instance_left', 'instance_unready'] as const);
  const events = service.instances.map((instance, i) => {
    instance.left = from + i * 0.5;
    return {
      at: from + i * 0.5,
      kind,
      id: `gone-${instance.id}`,
      title: `${instance.id} ${kind === 'instance_left' ? 'left' : 'is not ready'}`,
      touches: [instance.id],
      reversible: false,
    };
  });
  return {
    truth: { name: 'no_instance', callee: service.callee, from, due: from, causes: ids(events), variant: kind },
    effects: [],
    events,
  };
};
