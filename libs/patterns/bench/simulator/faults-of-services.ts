import type { Outcome } from '#libs/telemetry';
import { during, type Effect } from './effects.js';
import type { SimEdge, SimService } from './mesh.js';
import { BUSIEST, dayAt, workloadOf } from './mesh.js';
import { cause, edgesInto, type Ground, ids, type Plant, serving, steady, strength, target } from './plant.js';

const FOREVER = Number.POSITIVE_INFINITY;
const RAMP_S = 90;

const change = (service: SimService, what: string) =>
  ({ kind: 'change', title: `${what} of ${service.name} changed`, touches: [service.name] }) as const;

/** Of a sample, a rise shows within half a minute only where there is some traffic. Requests a second. */
const SEEN = 8;
const busy =
  ({ mesh }: Ground) =>
  ({ index }: SimService): boolean =>
    (mesh.usual[index] ?? 0) >= SEEN;

export const overload: Plant = (ground) => {
  const { random, from } = ground;
  const service = target(ground, { fits: busy(ground) });
  const incoming = edgesInto(ground, service);
  const ramp = random.chance(0.3) ? RAMP_S : 0;
  const times = (service.headroom * BUSIEST * random.between(1.25, 2)) / dayAt(ground.mesh, from);
  // Only one of the callers asks for more, so much that the whole is this many times the usual.
  const one = incoming.length > 1 && random.chance(0.4) ? loudest(ground, incoming) : undefined;
  const ofOne = one
    ? ((one.caller ? (ground.mesh.usual[one.caller.index] ?? 0) : 1) * one.rate) /
      (ground.mesh.usual[service.index] ?? 1)
    : 1;
  return {
    truth: {
      name: 'overload',
      callee: service.callee,
      from,
      due: from + ramp / 2,
      causes: [],
      variant: `${ramp ? 'slow ' : ''}x${times.toFixed(1)}${one ? ' one caller' : ''}`,
    },
    effects: [
      {
        activity: during(from, FOREVER, { ramp }),
        load: {
          times: 1 + (times - 1) / ofOne,
          hit: (edge) => edge.callee === service && (one === undefined || edge === one),
        },
      },
      // What it calls is provisioned for it: one fault, not a chain of them.
      ...below(ground, service).map((one) => ({ activity: during(from, FOREVER), callee: one, capacity: 4 })),
    ],
    events: [],
  };
};

/** All that a service calls, and what that calls. */
function below({ mesh }: Ground, service: SimService): SimService[] {
  const found = new Set<SimService>([service]);
  for (const one of found) for (const { caller, callee } of mesh.edges) if (caller === one) found.add(callee);
  found.delete(service);
  return [...found];
}

function loudest({ mesh }: Ground, edges: readonly SimEdge[]): SimEdge | undefined {
  const rate = (edge: SimEdge): number => (edge.caller ? (mesh.usual[edge.caller.index] ?? 0) : 1) * edge.rate;
  return [...edges].sort((a, b) => rate(b) - rate(a))[0];
}

export const retryStorm: Plant = (ground) => {
  const { random, from } = ground;
  const service = target(ground, { fits: busy(ground) });
  const retries = random.whole(3, 5);
  const hit = (edge: SimEdge): boolean => edge.callee === service;
  const events = cause(ground, 0.6, change(service, 'RetryPolicy'));
  return {
    truth: {
      name: 'retry_storm',
      callee: service.callee,
      from,
      due: from,
      causes: ids(events),
      variant: `${retries} retries`,
    },
    effects: [
      {
        activity: during(from - 5, FOREVER),
        callee: service,
        retries: { value: retries, hit },
        capacity: (1.3 * dayAt(ground.mesh, from)) / (BUSIEST * service.headroom),
        useful: 0.5,
      },
      // The hiccup that sets it off, and is gone soon.
      { activity: during(from, from + random.between(15, 30)), callee: service, capacity: 0.4 },
    ],
    events,
  };
};

export const timeoutTooShort: Plant = (ground) => {
  const { random, from } = ground;
  if (random.chance(0.5)) return limitLowered(ground);
  const service = target(ground, { fits: ({ ownMs, index }) => ownMs > 15 && index > ground.mesh.services.length / 2 });
  const events = cause(ground, 0.5, change(service, 'Configuration'));
  return {
    truth: {
      name: 'timeout_too_short',
      callee: service.callee,
      from,
      due: from,
      causes: ids(events),
      variant: 'work longer',
    },
    effects: [{ activity: during(from, FOREVER), callee: service, slow: random.between(7, 14) }],
    events,
  };
};

function limitLowered(ground: Ground): ReturnType<Plant> {
  const { random, from } = ground;
  const service = target(ground);
  const hit = (edge: SimEdge): boolean => edge.callee === service;
  const events = cause(ground, 0.8, change(service, 'TimeoutPolicy'));
  return {
    truth: {
      name: 'timeout_too_short',
      callee: service.callee,
      from,
      due: from,
      causes: ids(events),
      variant: 'limit lower',
    },
    effects: [{ activity: during(from, FOREVER), patience: { value: random.between(0.9, 1.5), hit } }],
    events,
  };
}

/** Callee-wide, attempts end in one way. */
const connection =
  (name: 'connection_refused' | 'connection_reset', outcomes: readonly Outcome[]): Plant =>
  (ground) => {
    const { random, from } = ground;
    const share = strength(random);
    const service = target(ground, { share });
    const outcome = random.pick(outcomes);
    const events = cause(ground, 0.4, change(service, 'Service'));
    return {
      truth: { name, callee: service.callee, from, due: from, causes: ids(events), variant: `${outcome} ${share}` },
      effects: [
        { activity: during(from, FOREVER, { strength: share }), callee: service, fails: { outcome, hit: () => true } },
      ],
      events,
    };
  };

export const connectionRefused = connection('connection_refused', ['refused', 'connect_timeout']);
export const connectionReset = connection('connection_reset', ['reset']);

export const failingDependency: Plant = (ground) => {
  const { random, from, mesh } = ground;
  const share = strength(random);
  const service = target(ground, {
    share: share / 2,
    fits: (one) => mesh.edges.some(({ callee, caller }) => callee === one && caller !== undefined),
  });
  const ramp = random.chance(0.2) && share >= 0.5 ? RAMP_S : 0;
  const outcome = random.pick<Outcome>(['error', 'error', 'timeout', 'other']);
  const events = cause(ground, 0.4, change(service, 'Configuration'));
  return {
    truth: {
      name: 'failing_dependency',
      callee: service.callee,
      from,
      due: from + ramp / 2,
      causes: ids(events),
      variant: `${ramp ? 'slow ' : ''}${outcome} ${share}`,
    },
    effects: [
      {
        activity: during(from, FOREVER, { strength: share, ramp }),
        callee: service,
        fails: { outcome, hit: () => true },
      },
    ],
    events,
  };
};

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
