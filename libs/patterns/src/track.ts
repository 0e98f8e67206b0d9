import { contentHash } from '#libs/kernel';
import type { PatternName } from './names.js';
import type { Pattern } from './types.js';

/** A pattern over time: what was found again and again under one identity. */
export interface Tracked {
  /** Stays when the pattern gets another name or scope. */
  readonly id: string;
  /** As it was found last. */
  readonly pattern: Pattern;
  /** Suspected until it was found often enough to be told to anybody; over when it has not been found, or has not gone on, for long enough. */
  readonly state: 'suspected' | 'active' | 'over';
  /** Start of the first failures, kept when the window moves on. Milliseconds since the epoch. */
  readonly since: number;
  /** When it became active. */
  readonly activeAt: number | undefined;
  /** When it was over. */
  readonly overAt: number | undefined;
  /** Names that it had while it was active, in their order. */
  readonly formerNames: readonly PatternName[];
  /** Bookkeeping of the hysteresis: evaluations in a row that found it, did not find it, and that found it under the same other name. */
  readonly found: number;
  readonly missed: number;
  readonly renaming: { readonly name: PatternName; readonly times: number } | undefined;
}

/** Found so often in a row, it is active; a sure one at once. */
const TO_BE_ACTIVE = 2;
const SURE = 0.97;
/** So sure, it is also told of when it is over already; it must have ended not longer ago than this. Milliseconds. */
const PLAIN = 0.75;
const JUST_NOW_MS = 30_000;
/** Not found or not going on for so many evaluations, it is over. */
const TO_BE_OVER = 3;
/** Another name must be found so often in a row. One that says more than the one before, and is this sure, at once. */
const TO_RENAME = 2;
const PROMPT = 0.6;
/** Of a cold start, which is only supposed while it lasts, a lower confidence is as much. */
const PROMPT_SUPPOSED = 0.35;
/** What is only left when no other name fits takes the place of a name that did fit when it was found so often in a row. */
const TO_BE_LEFT = 4;
/** One that is over is forgotten after this, and until then comes back as itself. Milliseconds. */
const FORGOTTEN_MS = 900_000;

/**
 * Carries patterns from one evaluation to the next, so that they neither flap nor change their identity with their name.
 * @param at the end of the newest bucket of the evaluation that found them
 */
export function track(previous: readonly Tracked[], found: readonly Pattern[], at: number): Tracked[] {
  const left = new Set(found);
  const next: Tracked[] = [];
  for (const tracked of inOrder(previous)) {
    const match = matchOf(tracked, left);
    if (match) left.delete(match);
    const one = match ? again(tracked, match, at) : missing(tracked, at);
    if (one) next.push(one);
  }
  for (const pattern of left) {
    const justNow = pattern.confidence >= PLAIN && at - pattern.until <= JUST_NOW_MS;
    if (pattern.ongoing || justNow) next.push(begun(pattern, at));
  }
  return next;
}

/** Those that are active choose first. */
const inOrder = (previous: readonly Tracked[]): Tracked[] => {
  const rank = { active: 0, suspected: 1, over: 2 };
  return [...previous].sort((a, b) => rank[a.state] - rank[b.state] || a.since - b.since);
};

/** The same name for the same services, at the same time and in the same scope rather than not; or else another name for them at the same time. */
function matchOf({ pattern }: Tracked, left: ReadonlySet<Pattern>): Pattern | undefined {
  const near = [...left].filter((one) => one.scope.callees.some((callee) => pattern.scope.callees.includes(callee)));
  const atOnce = (one: Pattern): boolean => one.since <= pattern.until && one.until >= pattern.since;
  const alike = (one: Pattern): number =>
    (atOnce(one) ? 2 : 0) + (scopeKey(one.scope) === scopeKey(pattern.scope) ? 1 : 0);
  const same = near.filter(({ name }) => name === pattern.name).sort((a, b) => alike(b) - alike(a));
  return same[0] ?? near.find(atOnce);
}

const scopeKey = (scope: Pattern['scope']): string =>
  JSON.stringify([scope.callers, scope.instances, scope.version, scope.callees]);

function begun(pattern: Pattern, at: number): Tracked {
  const sure = pattern.ongoing && pattern.confidence >= SURE;
  return {
    id: contentHash(`${pattern.name} ${pattern.scope.callees.join(' ')} ${scopeKey(pattern.scope)} ${pattern.since}`),
    pattern,
    state: sure ? 'active' : 'suspected',
    since: pattern.since,
    activeAt: sure ? at : undefined,
    overAt: undefined,
    formerNames: [],
    found: 1,
    missed: 0,
    renaming: undefined,
  };
}

function again(tracked: Tracked, match: Pattern, at: number): Tracked | undefined {
  const named = rename(tracked, match);
  const found = tracked.found + 1;
  if (!match.ongoing)
    return tracked.state === 'suspected' ? brief({ ...named, found }, at) : missing({ ...named, found }, at);
  const active = tracked.state === 'active' || found >= TO_BE_ACTIVE;
  return {
    ...named,
    state: active ? 'active' : 'suspected',
    since: Math.min(tracked.since, match.since),
    activeAt: tracked.activeAt ?? (active ? at : undefined),
    overAt: undefined,
    found,
    missed: 0,
  };
}

/** What was over before it could be believed is told of, as something past, when there is no doubt that it was there. */
function brief(tracked: Tracked, at: number): Tracked | undefined {
  if (tracked.pattern.confidence < PLAIN || tracked.found < TO_BE_ACTIVE) return missing(tracked, at);
  return { ...tracked, state: 'over', activeAt: at, overAt: at };
}

/** Takes the new name once it was found often enough; before that, the old pattern stays as it was, only its end moves on. */
function rename(tracked: Tracked, match: Pattern): Tracked {
  const { pattern, renaming, formerNames } = tracked;
  if (match.name === pattern.name) return { ...tracked, pattern: match, renaming: undefined };
  const times = renaming?.name === match.name ? renaming.times + 1 : 1;
  if (times < timesToRename(pattern, match) && tracked.state === 'active') {
    return {
      ...tracked,
      pattern: { ...pattern, until: match.until, ongoing: match.ongoing },
      renaming: { name: match.name, times },
    };
  }
  const former = tracked.state === 'suspected' ? formerNames : [...formerNames, pattern.name];
  return { ...tracked, pattern: match, formerNames: former, renaming: undefined };
}

/** Names that only say how a service fails; any other says more. */
const HOW: ReadonlySet<PatternName> = new Set<PatternName>([
  'circuit_breaker',
  'connection_refused',
  'connection_reset',
  'failing_dependency',
]);

function timesToRename({ name }: Pattern, { name: other, confidence }: Pattern): number {
  if (other === 'failing_dependency') return TO_BE_LEFT;
  // A beat is the rarest of coincidences, whatever each of its bursts looks like.
  const saysMore = other === 'periodic' || (HOW.has(name) && !HOW.has(other));
  return saysMore && confidence >= (other === 'cold_start' ? PROMPT_SUPPOSED : PROMPT) ? 1 : TO_RENAME;
}

function missing(tracked: Tracked, at: number): Tracked | undefined {
  const missed = tracked.missed + 1;
  if (tracked.state === 'suspected') return missed >= TO_BE_ACTIVE ? undefined : { ...tracked, missed, found: 0 };
  const overAt = tracked.overAt ?? (missed >= TO_BE_OVER ? at : undefined);
  if (overAt !== undefined && at - overAt > FORGOTTEN_MS) return undefined;
  return { ...tracked, missed, state: overAt === undefined ? 'active' : 'over', overAt };
}
