import { RE2JS } from 're2js';
import { type AlertMatcher, type AlertReceiver, parseMatcher } from '#libs/model';
import type { SilenceRow } from '#libs/store';

type Labels = Readonly<Record<string, string>>;
type Matches = (labels: Labels) => boolean;

/** User regular expressions run in linear time, against the whole value (SEC-40). */
function matcherOf({ label, operator, value }: AlertMatcher): Matches {
  const isWanted = operator === '=' || operator === '=~';
  if (!operator.endsWith('~')) return (labels) => ((labels[label] ?? '') === value) === isWanted;
  const pattern = RE2JS.compile(value);
  return (labels) => pattern.matches(labels[label] ?? '') === isWanted;
}

/** True when all of them hold; of none, always. */
export function matching(matchers: readonly AlertMatcher[]): Matches {
  const each = matchers.map(matcherOf);
  return (labels) => each.every((matches) => matches(labels));
}

/** An alert of the mesh as a whole has no namespace: only receivers and silences of the whole mesh are about it. */
const ofNamespace =
  (namespace: string): Matches =>
  (labels) =>
    labels['namespace'] === namespace;

/** Which alerts a receiver is told of. */
export function interestOf({ scope, namespace, matchers }: AlertReceiver): Matches {
  const matches = matching(matchers);
  const isIn = scope === 'Mesh' ? () => true : ofNamespace(namespace);
  return (labels) => isIn(labels) && matches(labels);
}

/** Which alerts nobody is told of. A matcher that this build cannot read silences nothing. */
export function silencedBy(silences: readonly SilenceRow[]): (labels: Labels) => SilenceRow | undefined {
  const each = silences.flatMap((silence) => {
    const parsed = silence.matchers.map(parseMatcher);
    const matchers = parsed.flatMap((one) => (one.ok ? [one.value] : []));
    if (!silence.active || matchers.length < parsed.length) return [];
    const matches = matching(matchers);
    const isIn = silence.namespace === '' ? () => true : ofNamespace(silence.namespace);
    return [{ silence, covers: (labels: Labels) => isIn(labels) && matches(labels) }];
  });
  return (labels) => each.find(({ covers }) => covers(labels))?.silence;
}
