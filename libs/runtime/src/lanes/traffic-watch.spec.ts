import { describe, expect, it } from 'vitest';
import type { RequestCount } from '#libs/kernel';
import { TrafficWatch } from './traffic-watch.js';

const count = (node: string, requests: number, failures: number, scope = 'outbound'): RequestCount => ({
  ...{ node, scope, requests, failures },
});
const groupOf = (node: string): string | undefined => (node.startsWith('m') ? `host-${node}` : undefined);

describe('traffic since a moment', () => {
  it('is told by group, apart from what was before, where something failed; of the others the same scopes', () => {
    const watch = new TrafficWatch([count('m1', 100, 1), count('o1', 50, 0)]);
    const now = [count('m1', 120, 11), count('m2', 30, 0), count('o1', 60, 0), count('o1', 5, 0, 'inbound http')];
    const { groups, others } = watch.since(now, groupOf);
    expect(groups.get('host-m1')).toEqual({
      outbound: { requests: 20, failures: 10, requestsBefore: 100, failuresBefore: 1 },
    });
    expect(groups.get('host-m2')).toEqual({});
    expect(others).toEqual({ outbound: { requests: 10, failures: 0, requestsBefore: 50, failuresBefore: 0 } });
  });

  it('of who was there in an earlier wave is compared with what was before that', () => {
    const first = new TrafficWatch([count('m1', 100, 0)]);
    const second = new TrafficWatch([count('m1', 200, 50), count('m2', 10, 0)], first);
    const { groups } = second.since([count('m1', 300, 90), count('m2', 20, 5)], () => 'h');
    expect(groups.get('h')).toEqual({
      outbound: { requests: 210, failures: 95, requestsBefore: 110, failuresBefore: 0 },
    });
  });

  it('never counts below nothing: a sidecar that was forgotten in between begins anew', () => {
    const watch = new TrafficWatch([count('m1', 100, 10)]);
    const { groups } = watch.since([count('m1', 3, 2)], groupOf);
    expect(groups.get('host-m1')).toEqual({});
  });
});
