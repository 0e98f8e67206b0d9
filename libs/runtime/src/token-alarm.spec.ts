import { describe, expect, it } from 'vitest';
import { silentLog, silentMetrics } from '#libs/kernel';
import { TokenAlarms } from './token-alarm.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Checks every hour of eight days. @returns what was told, and at which day */
function eightDays(tokenAt: (now: number) => { issuedAt: number; expiresAt: number }): [number, string][] {
  const told: [number, string][] = [];
  let day = 0;
  const log = { ...silentLog, warn: (message: string) => void told.push([day, message]) };
  const alarms = new TokenAlarms(log, silentMetrics);
  for (let now = 0; now <= 8 * DAY; now += HOUR) {
    day = now / DAY;
    alarms.check([{ proxy: 'default/shop/web/web-1', claims: tokenAt(now) }], now);
  }
  return told;
}

describe('a token of seven days', () => {
  it('that is renewed at half of its life raises nothing in eight days', () => {
    const half = 3.5 * DAY;
    expect(eightDays((now) => ({ issuedAt: now - (now % half), expiresAt: now - (now % half) + 7 * DAY }))).toEqual([]);
  });

  it('that nobody renews raises an alarm at a quarter and at a tenth of its life, each once, before it expires', () => {
    const told = eightDays(() => ({ issuedAt: 0, expiresAt: 7 * DAY }));
    expect(
      told.map(([day, message]) => [Math.floor(day * 10) / 10, /expire\S*( very)?( soon)?/.exec(message)?.[0]]),
    ).toEqual([
      [5.2, 'expires soon'],
      [6.3, 'expires very soon'],
      [7, 'expired'],
    ]);
  });
});
