import type { Outcome } from '#libs/telemetry';
import { during } from './effects.js';
import type { SimEdge, SimService } from './mesh.js';
import { BUSIEST, dayAt } from './mesh.js';
import { cause, edgesInto, type Ground, ids, type Plant, strength, target } from './plant.js';

const FOREVER = Number.POSITIVE_INFINITY;
const RAMP_S = 90;

export const change = (service: SimService, what: string) =>
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

export function loudest({ mesh }: Ground, edges: readonly SimEdge[]): SimEdge | undefined {
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
