/** Parts of sentences. */

const DAY_MS = 86_400_000;

/** `14:02:10`, UTC. */
export function clock(ms: number): string {
  const seconds = Math.floor((((ms % DAY_MS) + DAY_MS) % DAY_MS) / 1_000);
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${two(Math.floor(seconds / 3_600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

/** `43 %`, `0.12 %`. */
export function percent(part: number, whole: number): string {
  // Totals are averaged over some buckets, so that where load begins there may be more failures than requests.
  const share = whole > 0 ? Math.min(100, (100 * part) / whole) : 0;
  if (share >= 10 || share === 0) return `${Math.round(share)} %`;
  return `${Number(share.toPrecision(2))} %`;
}

/** `2.4`, `130`. */
export const amount = (value: number): string =>
  value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(2)));

/** `240 ms`, `1.5 s`. */
export const duration = (ms: number): string => (ms >= 1_000 ? `${amount(ms / 1_000)} s` : `${amount(ms)} ms`);

/** The last part of `<namespace>/<workload>/<instance>`; the service of `<namespace>/<service>/<port>`. */
export const instanceName = (instance: string): string => instance.split('/').at(-1) || instance;
export const serviceName = (callee: string): string => callee.split('/').slice(0, 2).join('/');

const NAMED = 3;

/** `a`, `a and b`, `a, b, c and 4 others`. */
export function listed(names: readonly string[]): string {
  if (names.length <= 1) return names[0] ?? 'nobody';
  if (names.length <= NAMED) return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
  return `${names.slice(0, NAMED).join(', ')} and ${names.length - NAMED} others`;
}

export const plural = (n: number, one: string, many = `${one}s`): string => (n === 1 ? `${n} ${one}` : `${n} ${many}`);
