/** For tests of telemetry: parts of buckets, and ranges of time in the past. */
import type { Client } from 'pg';
import type { SignalPart, StoredFailure } from '../ports.js';

export const aFailure = (at: number, more: Partial<StoredFailure> = {}): StoredFailure => ({
  ...{ at, what: 'request', requestId: `r-${at}`, caller: 'shop/web', callerInstance: 'shop/web/web-1' },
  ...{ callee: 'shop/orders/http', subset: '', instance: 'shop/orders/orders-1', route: 'HTTPRoute/shop/orders/0' },
  ...{ outcome: 'refused', status: 503, flags: 'UF,URX', details: 'connection refused', method: 'GET', path: '/' },
  ...{ durationMs: 1.5, attempt: 1, ...more },
});

/** One page of each shelf, in the view of services. */
export const aPart = (
  at: number,
  pages: Readonly<Record<string, string>>,
  more: Partial<SignalPart> = {},
): SignalPart => ({
  ...{ mesh: 'default', source: 'a', at, complete: true, failures: [] },
  pages: Object.entries(pages).map(([shelf, text]) => ({ view: 'service', shelf, cells: Buffer.from(text) })),
  ...more,
});

/** Ranges that reach back, as if Heddle had run all the time. @param daysBack of the resolutions of ten minutes and more */
export async function rangesOfPast(raw: Client, daysBack: number): Promise<void> {
  const { rows } = await raw.query<{ tier: number; width: string; lower: string }>(
    'SELECT t.tier, t.width, min(r.lower) AS lower FROM signal_tier t JOIN signal_range r USING (tier) GROUP BY t.tier, t.width',
  );
  await raw.query('SET ROLE heddle_migrate');
  for (const { tier, width, lower } of rows) {
    const backMs = tier >= 600 ? daysBack * 86_400_000 : tier === 10 ? 3_600_000 : 86_400_000;
    for (let low = Number(lower) - Number(width); low > Date.now() - backMs - Number(width); low -= Number(width))
      await raw.query('SELECT make_signal_range($1, $2)', [tier, low]);
  }
  await raw.query('RESET ROLE');
}
