import type { AuthorityStage } from '#libs/store';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/**
 * The next authority is made when this part of the present one's life is over: the first alarm, at half of it (REL-31),
 * then says that a rotation did not happen.
 */
const ROTATE_AFTER = 1 / 3;

/**
 * A root is in the bundle for this long before an issuer under it may sign: longer than the longest leaf lives (7 days),
 * so a proxy that has not been sent the bundle since has no certificate either (SEC-25).
 */
export const ROOT_TRUSTED_FOR_MS = 8 * DAY_MS;

/** An issuer is known for this long before it signs: many times what replicas take to read it, so none mistakes its leaves. */
export const ISSUER_KNOWN_FOR_MS = 3 * MINUTE_MS;

/** What was retired is kept for longer than the longest leaf of it lives (SEC-26). */
export const RETIRED_FOR_MS = 8 * DAY_MS;

/** What decides about an authority: its stage, and what its certificate says. */
export interface RotationState extends Pick<AuthorityStage, 'id' | 'stage' | 'forMs' | 'inUse'> {
  readonly purpose: 'root' | 'intermediate';
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** Id of the root that signed it; of itself for a root, undefined when that root is gone. */
  readonly signedBy: string | undefined;
}

/** One transaction of a rotation, with what must still be so when it runs. */
export type RotationStep =
  | { readonly kind: 'prepare'; readonly purpose: RotationState['purpose']; readonly activeId: string }
  | {
      readonly kind: 'activate';
      readonly purpose: RotationState['purpose'];
      readonly activeId: string;
      readonly preparedId: string;
    }
  | { readonly kind: 'forget'; readonly purpose: RotationState['purpose']; readonly id: string };

/**
 * The step that is due, or undefined. Everything there is to know is in the rows, so whoever comes next after a crash
 * goes on where it was (REL-32).
 * @param now Postgres's clock, never this machine's alone (REL-27)
 */
export function nextStep(states: readonly RotationState[], now: number): RotationStep | undefined {
  return activation(states, now) ?? preparation(states, now) ?? farewell(states);
}

const find = (states: readonly RotationState[], purpose: string, stage: string): RotationState | undefined =>
  states.find((state) => state.purpose === purpose && state.stage === stage);

const KNOWN_FOR_MS = { root: ROOT_TRUSTED_FOR_MS, intermediate: ISSUER_KNOWN_FOR_MS } as const;

function activation(states: readonly RotationState[], now: number): RotationStep | undefined {
  for (const purpose of ['root', 'intermediate'] as const) {
    const [active, prepared] = [find(states, purpose, 'active'), find(states, purpose, 'prepared')];
    if (!active || !prepared) continue;
    // With the old one at its end there is nothing left to be careful with: waiting only lengthens the outage (REL-31).
    if (prepared.forMs >= KNOWN_FOR_MS[purpose] || active.notAfter <= now) {
      return { kind: 'activate', purpose, activeId: active.id, preparedId: prepared.id };
    }
  }
  return undefined;
}

function preparation(states: readonly RotationState[], now: number): RotationStep | undefined {
  const root = find(states, 'root', 'active');
  for (const purpose of ['root', 'intermediate'] as const) {
    const active = find(states, purpose, 'active');
    if (!active || find(states, purpose, 'prepared')) continue;
    const isOld = now - active.notBefore >= (active.notAfter - active.notBefore) * ROTATE_AFTER;
    // Leaves move to a new root as soon as it is trusted everywhere.
    if (isOld || active.signedBy !== (purpose === 'root' ? active.id : root?.id)) {
      return { kind: 'prepare', purpose, activeId: active.id };
    }
  }
  return undefined;
}

function farewell(states: readonly RotationState[]): RotationStep | undefined {
  const gone = states.find(
    ({ id, stage, purpose, forMs, inUse }) =>
      stage === 'retired' &&
      forMs >= RETIRED_FOR_MS &&
      !inUse &&
      (purpose === 'intermediate' ||
        !states.some((other) => other.purpose === 'intermediate' && other.signedBy === id)),
  );
  return gone && { kind: 'forget', purpose: gone.purpose, id: gone.id };
}
