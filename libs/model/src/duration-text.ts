/**
 * Durations as the Gateway API writes them (GEP-2257): one to four parts of at most five digits with the units `h`, `m`,
 * `s`, `ms`, each unit once and in this order by convention only: `1h30m`, `500ms`, `0s`.
 */
export const DURATION_PATTERN = '^([0-9]{1,5}(h|m|s|ms)){1,4}$';

const FORM = new RegExp(DURATION_PATTERN);
const UNIT_MS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

/** Milliseconds of a duration's text, or undefined when the text has another form. 0 is a duration. */
export function parseDuration(text: string): number | undefined {
  if (!FORM.test(text)) return undefined;
  let total = 0;
  for (const [, digits, unit] of text.matchAll(/([0-9]+)(ms|h|m|s)/g))
    total += Number(digits) * (UNIT_MS[unit ?? ''] ?? 0);
  return total;
}

/**
 * Milliseconds of a duration that a schema has already checked; undefined stays undefined.
 * @throws Error when the text was never checked
 */
export function durationToMs(text: string): number;
export function durationToMs(text: string | undefined): number | undefined;
export function durationToMs(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = parseDuration(text);
  if (ms === undefined) throw new Error(`unchecked duration: ${JSON.stringify(text)}`);
  return ms;
}
