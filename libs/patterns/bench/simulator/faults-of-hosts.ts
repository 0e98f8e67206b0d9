import type { Outcome } from '#libs/telemetry';
import { beating, during } from './effects.js';
import type { SimInstance, SimService } from './mesh.js';
import { cause, type Ground, ids, type Plant, type SimEvent, serving, steady, strength, target } from './plant.js';

const BROKEN: readonly Outcome[] = ['error', 'reset', 'refused', 'connect_timeout', 'timeout'];
/** Seconds in which a fault that begins slowly reaches its strength. */
const RAMP_S = 90;

export const badHost: Plant = (ground) => {
  const { random, from } = ground;
  const share = strength(random);
  const service = target(ground, { share: share / 4, fits: (one) => serving(one, from).length >= 2 });
  const instance = random.pick(serving(service, from));
  const outcome = random.pick(BROKEN);
  const ramp = random.chance(0.2) && share >= 0.5 ? RAMP_S : 0;
  const events = cause(ground, 0.3, {
    kind: 'rotation',
    title: `Certificate of ${instance.id} renewed`,
    touches: [instance.id],
  });
  return {
    truth: {
      name: 'bad_host',
      callee: service.callee,
      instance: instance.id,
      from,
      due: from + ramp / 2,
      causes: ids(events),
      variant: `${ramp ? 'slow ' : ''}${outcome} ${share}`,
    },
    effects: [
      {
        activity: during(from, Number.POSITIVE_INFINITY, { strength: share, ramp }),
        callee: service,
        fails: { outcome, hit: (attempt) => attempt.instance === instance },
      },
    ],
    events,
  };
};

/** Instances join one after another, each in the place of an old one or, with `beside`, beside them. */
function join(
  ground: Ground,
  service: SimService,
  { count, version, beside }: { readonly count: number; readonly version: string; readonly beside: boolean },
): { readonly joined: SimInstance[]; readonly events: SimEvent[]; readonly left: SimEvent[] } {
  const { random, from } = ground;
  const joined: SimInstance[] = [];
  const [events, left]: [SimEvent[], SimEvent[]] = [[], []];
  const old = [...service.instances];
  let at = from;
  for (let i = 0; i < count; i += 1) {
    const gone = old[i];
    const instance: SimInstance = {
      id: `${service.name}/n${random.whole(1, 1e9)}`,
      version,
      zone: gone?.zone ?? random.pick(ground.mesh.zones),
      joined: at,
      left: Number.POSITIVE_INFINITY,
    };
    joined.push(instance);
    service.instances.push(instance);
    events.push({
      at,
      kind: 'instance_joined',
      id: `joined-${instance.id}`,
      title: `${instance.id} joined`,
      touches: [instance.id],
      reversible: false,
    });
    if (gone && !beside) {
      gone.left = at + 3;
      left.push({
        at: at + 3,
        kind: 'instance_left',
        id: `left-${gone.id}`,
        title: `${gone.id} left`,
        touches: [gone.id],
        reversible: false,
      });
    }
    at += random.between(4, 15);
  }
  return { joined, events, left };
}

export const badVersion: Plant = (ground) => {
  const { random, from } = ground;
  const share = strength(random);
  const service = target(ground, { share: share / 5, fits: (one) => one.instances.length >= 2 && steady(one, from) });
  const whole = random.pick(['canary', 'half', 'all'] as const);
  const count = { canary: 1, half: Math.ceil(service.instances.length / 2), all: service.instances.length }[whole];
  const outcome = random.pick<Outcome>(['error', 'error', 'reset', 'timeout']);
  const { events, left } = join(ground, service, { count, version: 'v9', beside: whole === 'canary' });
  return {
    truth: {
      name: 'bad_version',
      callee: service.callee,
      version: 'v9',
      from,
      due: from,
      causes: ids(events),
      variant: `${whole} ${outcome} ${share}`,
    },
    effects: [
      {
        activity: during(from, Number.POSITIVE_INFINITY, { strength: share }),
        callee: service,
        fails: { outcome, hit: ({ instance }) => instance?.version === 'v9' },
      },
    ],
    events: [...events, ...left],
  };
};

export const coldStart: Plant = (ground) => {
  const { random, from } = ground;
  const [share, seconds] = [random.pick([0.3, 0.6, 1]), random.between(10, 40)];
  const service = target(ground, {
    share: (share * seconds) / 150,
    fits: (one) => one.instances.length >= 2 && steady(one, from),
  });
  const { joined, events } = join(ground, service, {
    count: random.whole(1, 2),
    version: service.instances[0]?.version ?? 'v1',
    beside: true,
  });
  return {
    truth: {
      name: 'cold_start',
      callee: service.callee,
      from,
      due: from,
      causes: ids(events),
      variant: `${Math.round(seconds)} s ${share}`,
    },
    effects: joined.map((instance) => ({
      activity: during(instance.joined, instance.joined + seconds, { strength: share }),
      callee: service,
      fails: { outcome: 'error' as const, hit: (attempt) => attempt.instance === instance },
    })),
    events,
  };
};

export const badZone: Plant = (ground) => {
  const { random, from, mesh } = ground;
  const share = random.pick([0.3, 0.6, 1]);
  const outcome = random.pick<Outcome>(['connect_timeout', 'reset', 'refused', 'timeout']);
  const kind = random.pick(
    mesh.zones.length > 2 ? (['into', 'between', 'cut off'] as const) : (['into', 'between'] as const),
  );
  const [a = '', b = ''] = random.shuffled(mesh.zones);
  const hits = {
    into: (_: string, callee: string): boolean => callee === a,
    between: (caller: string, callee: string): boolean =>
      (caller === a && callee === b) || (caller === b && callee === a),
    'cut off': (caller: string, callee: string): boolean => (caller === a) !== (callee === a),
  };
  return {
    truth: {
      name: 'bad_zone',
      zones: kind === 'between' ? [a, b] : [a],
      from,
      due: from,
      causes: [],
      variant: `${kind} of ${mesh.zones.length}, ${outcome} ${share}`,
    },
    effects: [
      {
        activity: during(from, Number.POSITIVE_INFINITY, { strength: share }),
        fails: {
          outcome,
          hit: ({ callerZone, instance }) => instance !== undefined && hits[kind](callerZone, instance.zone),
        },
      },
    ],
    events: [],
  };
};

export const periodic: Plant = (ground) => {
  const { random, from } = ground;
  const [every, share] = [random.pick([30, 45, 60, 75, 90, 120]), random.pick([0.4, 0.7, 1])];
  const one = random.chance(0.3);
  const service = target(ground, { share: share / (one ? 25 : 8) });
  const instance = one && serving(service, from).length > 1 ? random.pick(serving(service, from)) : undefined;
  const outcome = random.pick<Outcome>(['error', 'reset', 'timeout']);
  return {
    truth: {
      name: 'periodic',
      callee: service.callee,
      ...(instance ? { instance: instance.id } : {}),
      from,
      due: from + 3 * every,
      causes: [],
      variant: `${every} s ${outcome} ${share}${instance ? ' one host' : ''}`,
    },
    effects: [
      {
        activity: beating(from, { every, seconds: random.between(4, 10), strength: share }),
        callee: service,
        fails: { outcome, hit: (attempt) => instance === undefined || attempt.instance === instance },
      },
    ],
    events: [],
  };
};
