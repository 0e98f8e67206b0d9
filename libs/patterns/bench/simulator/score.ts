import type { Pattern, PatternName, Tracked } from '../../src/index.js';
import type { Outcome } from './evaluate.js';
import type { Truth } from './plant.js';

/** How one run ended. */
export interface Verdict {
  readonly found: readonly Found[];
  readonly missed: readonly Truth[];
  /** What was told of that was not there, by its last name. */
  readonly invented: readonly Tracked[];
}

export interface Found {
  readonly truth: Truth;
  readonly pattern: Pattern;
  /** From when it was due to when it had its name. Seconds; negative for one named before it was due. */
  readonly afterS: number;
  readonly scope: boolean;
  readonly suspect: boolean;
  /** It had another name before. */
  readonly renamed: boolean;
}

/** Compares what was told of during a run with what was planted. Each tracked pattern counts once, by its last name. */
export function judge({ truths, tracked, named }: Outcome): Verdict {
  const told = tracked.filter(({ activeAt }) => activeAt !== undefined);
  const left = new Set(told);
  const found: Found[] = [];
  const missed: Truth[] = [];
  for (const truth of truths) {
    const match = [...left].filter(({ pattern }) => isMatch(truth, pattern)).sort((a, b) => a.since - b.since)[0];
    if (match === undefined) missed.push(truth);
    else {
      left.delete(match);
      const at = named.get(match.id)?.get(truth.name) ?? truth.due;
      found.push({
        truth,
        pattern: match.pattern,
        afterS: at - truth.due,
        scope: scopeFits(truth, match.pattern),
        suspect: suspectFits(truth, match.pattern),
        renamed: match.formerNames.length > 0,
      });
    }
  }
  return { found, missed, invented: [...left] };
}

function isMatch(truth: Truth, { name, scope }: Pattern): boolean {
  if (name !== truth.name) return false;
  if (truth.callee !== undefined) return scope.callees.includes(truth.callee);
  if (truth.zones) return truth.zones.some((zone) => zone === scope.calleeZone || zone === scope.callerZone);
  return truth.caller !== undefined && (scope.callers ?? []).includes(truth.caller);
}

function scopeFits(truth: Truth, { scope }: Pattern): boolean {
  const one = (wanted: string | undefined, told: readonly string[] | undefined): boolean =>
    wanted === undefined || (told?.length === 1 && told[0] === wanted);
  const zones = [scope.callerZone, scope.calleeZone].filter((zone) => zone !== undefined).sort();
  return (
    (truth.callee === undefined || scope.callees.length === 1) &&
    one(truth.instance, scope.instances) &&
    // A caller that is the only one needs no mention.
    (truth.caller === undefined || scope.callers === undefined || one(truth.caller, scope.callers)) &&
    (truth.version === undefined || truth.version === scope.version) &&
    (truth.zones === undefined || [...truth.zones].sort().join() === zones.join())
  );
}

/** The first suspect is a cause; where nothing was, nothing is blamed more than a little. */
function suspectFits({ causes }: Truth, { suspects }: Pattern): boolean {
  const [first] = suspects;
  if (causes.length === 0) return first === undefined || first.score < 0.5;
  return first?.events.some((id) => causes.includes(id)) === true;
}

export interface Row {
  readonly name: PatternName | 'total';
  planted: number;
  found: number;
  invented: number;
  wrongScope: number;
  wrongSuspect: number;
  renamed: number;
  /** Seconds. */
  readonly afterS: number[];
}

export const newRow = (name: Row['name']): Row => ({
  name,
  planted: 0,
  found: 0,
  invented: 0,
  wrongScope: 0,
  wrongSuspect: 0,
  renamed: 0,
  afterS: [],
});

export function count(rows: Map<PatternName, Row>, { found, missed, invented }: Verdict): void {
  const rowOf = (name: PatternName): Row => {
    const row = rows.get(name) ?? newRow(name);
    rows.set(name, row);
    return row;
  };
  for (const { name } of missed) rowOf(name).planted += 1;
  for (const { pattern } of invented) rowOf(pattern.name).invented += 1;
  for (const one of found) {
    const row = rowOf(one.truth.name);
    row.planted += 1;
    row.found += 1;
    row.afterS.push(one.afterS);
    if (!one.scope) row.wrongScope += 1;
    if (!one.suspect) row.wrongSuspect += 1;
    if (one.renamed) row.renamed += 1;
  }
}
