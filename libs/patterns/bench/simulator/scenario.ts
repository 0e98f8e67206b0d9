import type { PatternName } from '../../src/index.js';
import * as hosts from './faults-of-hosts.js';
import * as rules from './faults-of-rules.js';
import * as services from './faults-of-services.js';
import { buildMesh, type Mesh, type Shape, type SimService } from './mesh.js';
import type { Plant, Planted, SimEvent } from './plant.js';
import { Random } from './random.js';

export const PLANTS: Readonly<Record<PatternName, Plant>> = {
  no_route: rules.noRoute,
  no_instance: rules.noInstance,
  dns: rules.dns,
  authorization: rules.authorization,
  rate_limit: rules.rateLimit,
  fault_injection: rules.faultInjection,
  certificate: rules.certificate,
  periodic: hosts.periodic,
  bad_zone: hosts.badZone,
  cold_start: hosts.coldStart,
  bad_version: hosts.badVersion,
  bad_host: hosts.badHost,
  retry_storm: services.retryStorm,
  overload: services.overload,
  circuit_breaker: rules.circuitBreaker,
  timeout_too_short: services.timeoutTooShort,
  connection_refused: services.connectionRefused,
  connection_reset: services.connectionReset,
  failing_dependency: services.failingDependency,
};

/** A mesh, what is wrong with it, and what happens beside. */
export interface Scenario {
  readonly mesh: Mesh;
  readonly planted: readonly Planted[];
  readonly events: readonly SimEvent[];
  /** Length. Seconds. */
  readonly end: number;
  readonly random: Random;
}

/** When faults begin, and how long a run goes on. Seconds. */
const CALM_S = 180;
const AFTER_S = 110;
/** A periodic fault is given four periods of up to two minutes. */
const AFTER_PERIODIC_S = 480;

export function buildScenario(shape: Shape, seed: number, faults: readonly PatternName[]): Scenario {
  const random = new Random(seed);
  const mesh = buildMesh(shape, random);
  const start = CALM_S + random.between(0, 10);
  const end = Math.ceil((start + (faults.includes('periodic') ? AFTER_PERIODIC_S : AFTER_S)) / 10) * 10;
  const taken = new Set<SimService>();
  // Decoys before faults: a fault may add instances that no decoy should touch.
  const decoys = decoysOf(mesh, random, end);
  const planted = faults.map((name) => {
    const one = PLANTS[name]({ mesh, random, from: start + (taken.size > 0 ? random.between(0, 40) : 0), end, taken });
    for (const service of mesh.services) {
      if (service.callee === one.truth.callee || service.name === one.truth.caller) taken.add(service);
    }
    return one;
  });
  const events = [...decoys, ...planted.flatMap((one) => one.events)].sort((a, b) => a.at - b.at);
  return { mesh, planted, events, end, random };
}

/** Changes every two minutes, certificates every half minute, an instance replaced every three minutes: a mesh is never still. */
function decoysOf(mesh: Mesh, random: Random, end: number): SimEvent[] {
  const events: SimEvent[] = [];
  const often = (every: number, make: (at: number) => SimEvent[]): void => {
    const gap = (): number => every * -Math.log(1 - random.unit());
    for (let at = gap() - 600; at < end; at += gap()) events.push(...make(at));
  };
  let n = 0;
  const id = (): string => {
    n += 1;
    return `decoy-${n}`;
  };
  often(120, (at) => {
    const { name } = random.pick(mesh.services);
    return [{ at, kind: 'change', id: id(), title: `Policy of ${name} changed`, touches: [name], reversible: true }];
  });
  often(30, (at) => {
    const instance = random.pick(random.pick(mesh.services).instances);
    return [
      {
        at,
        kind: 'rotation',
        id: id(),
        title: `Certificate of ${instance.id} renewed`,
        touches: [instance.id],
        reversible: false,
      },
    ];
  });
  often(180, (at) => (at > 30 ? replaced(random.pick(mesh.services), at, id) : []));
  return events;
}

/** An instance leaves and another of the same version takes its place, and nobody notices. */
function replaced(service: SimService, at: number, id: () => string): SimEvent[] {
  const gone = service.instances.find(({ left }) => left === Number.POSITIVE_INFINITY);
  if (gone === undefined || service.instances.length < 2) return [];
  gone.left = at + 1;
  const next = { ...gone, id: `${service.name}/r${Math.round(at)}`, joined: at, left: Number.POSITIVE_INFINITY };
  service.instances.push(next);
  return [
    { at, kind: 'instance_joined', id: id(), title: `${next.id} joined`, touches: [next.id], reversible: false },
    { at: at + 1, kind: 'instance_left', id: id(), title: `${gone.id} left`, touches: [gone.id], reversible: false },
  ];
}
