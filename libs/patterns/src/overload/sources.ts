import { spanOf } from '../candidate.js';
import type { Facts } from '../facts/facts.js';
import type { Group } from '../groups.js';
import type { Load } from '../load.js';
import { riseOn } from '../symptoms/derive.js';

/** A service with too much to do. */
export interface Found extends Group {
  readonly load: Load;
  readonly evidence: number;
  readonly enough: number;
}

export interface Source {
  readonly found: Found;
  /** Those that have too much to do since it passes its own on. */
  readonly followers: readonly Found[];
}

/** Of the additional requests of a service, the share that must come from another overloaded one for it to be its follower. */
const PASSED_ON = 0.5;

/** Load flows down the call graph as failures flow up: the first with too much to do is the one to look at. */
export function sources(facts: Facts, found: readonly Found[]): Source[] {
  const above = new Map<Found, Found>();
  for (const one of found) {
    const source = sourceOf(facts, one, found);
    if (source) above.set(one, source);
  }
  const firstOf = (one: Found): Found => {
    let first = one;
    // As many steps as there are services end any circle.
    for (let step = 0; step < found.length; step += 1) first = above.get(first) ?? first;
    return first;
  };
  const firsts = new Map<Found, Found[]>();
  for (const one of found) {
    const first = firstOf(one);
    firsts.set(first, [...(firsts.get(first) ?? []), ...(first === one ? [] : [one])]);
  }
  return [...firsts].map(([first, followers]) => ({ found: first, followers }));
}

function sourceOf(facts: Facts, one: Found, found: readonly Found[]): Found | undefined {
  const rises = one.service.edges.map((edge) => ({ edge, rise: riseOn(facts, edge, spanOf(one.symptoms)).rise }));
  const all = rises.reduce((sum, { rise }) => sum + rise, 0);
  return found.find((other) => {
    if (other === one) return false;
    const workloads = other.service.known?.workloads ?? [];
    const passed = rises.reduce((sum, { edge, rise }) => sum + (workloads.includes(edge.caller) ? rise : 0), 0);
    return passed > PASSED_ON * all;
  });
}
