/** How addresses and lengths of time are written. */

/** A host before a port, as URLs have it: an IPv6 address in brackets, everything else as it is. */
export const hostInUrl = (host: string): string => (host.includes(':') ? `[${host}]` : host);

/** `10.0.0.1:80`, `[::1]:80`, `orders:80` */
export const hostPort = (host: string, port: number | string): string => `${hostInUrl(host)}:${port}`;

const UNITS_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of `30s`, `10m`, `2h`, `7d`, also `1.5h`; undefined for everything else. */
export function lengthMs(text: string): number | undefined {
  const [, count, unit = ''] = /^(\d{1,9}(?:\.\d{1,3})?)([smhd])$/.exec(text) ?? [];
  return count === undefined ? undefined : Math.round(Number(count) * (UNITS_MS[unit] ?? 0));
}
