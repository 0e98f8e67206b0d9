/** Numbers and times as sentences for readers have them. Always English, whatever the machine's locale. */

const UNITS: readonly (readonly [ms: number, name: string])[] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'm'],
  [1000, 's'],
];

/** `30d`, `1h30m`, `250ms`: at most two units. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))}ms`;
  const parts: string[] = [];
  let rest = Math.round(ms / 1000) * 1000;
  for (const [length, name] of UNITS) {
    const count = Math.floor(rest / length);
    if (count > 0) parts.push(`${count}${name}`);
    else if (parts.length > 0) break;
    rest -= count * length;
    if (parts.length === 2) break;
  }
  return parts.join('');
}

/** Three digits that count: `0.0123`, `12.3`, `1,230`. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return 'unknown';
  if (value === 0) return '0';
  const size = Math.floor(Math.log10(Math.abs(value)));
  if (size >= 3)
    return Math.round(value)
      .toString()
      .replaceAll(/\B(?=(\d{3})+$)/g, ',');
  return String(Number(value.toFixed(Math.min(8, 2 - size))));
}

export const percent = (share: number): string => `${number(share * 100)} %`;

/** `one proxy`, `3 proxies`. */
export const counted = (count: number, one: string, many: string): string =>
  count === 1 ? `one ${one}` : `${number(count)} ${many}`;

const LONGEST = 300;

/** What comes from outside, such as an Envoy's words: one line, without control characters, cut to 300. */
export function quoted(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  const line = text.replaceAll(/[\u0000-\u0020\u007f-\u009f\u2028\u2029]+/g, ' ').trim();
  return line.length > LONGEST ? `${line.slice(0, LONGEST)}...` : line;
}
