import { describe, expect, it } from 'vitest';
import { TYPE } from '#libs/envoy-api';
import type { InstanceRow } from '#libs/store';
import type { StreamState } from '#libs/xds';
import { proxyStatus } from './status.js';

const SECONDS = 1_795_766_000;
const row = {
  mesh: 'default',
  namespace: 'shop',
  workload: 'web',
  name: 'web-1',
  attached: [],
} as unknown as InstanceRow;

/** A stream that holds a leaf which ends `afterS` seconds after its token was issued. */
const stream = (afterS: number): StreamState =>
  ({
    stream: {
      node: { id: 'default/shop/web/web-1', userAgentVersion: '1.40.0' },
      principal: { claims: { issuedAt: SECONDS * 1000, expiresAt: (SECONDS + 86_400) * 1000 } },
      openedAt: SECONDS * 1000,
    },
    types: [
      {
        type: TYPE.secret,
        acked: new Map([
          ['identity', `v1.${'a'.repeat(32)}.${SECONDS}.${SECONDS + afterS}.${'b'.repeat(16)}.${'c'.repeat(22)}`],
        ]),
        refused: [],
        ackedChange: 1,
        behindSince: 0,
      },
    ],
  }) as unknown as StreamState;

describe('the status of a proxy', () => {
  it('tells when its certificate and its token end', () => {
    const now = (SECONDS + 43_200) * 1000;
    expect(proxyStatus(row, [stream(3_600)], { now, revisionOf: () => 1 })).toMatchObject({
      certificateNotAfter: new Date((SECONDS + 3_600) * 1000).toISOString(),
      tokenDaysLeft: 0.5,
      tokenState: 'ok',
      connected: true,
    });
  });
});
