import { describe, expect, it } from 'vitest';
import { instanceViolations, overlap } from './instance.rules.js';
import { instanceBody, instanceOf } from './instance.schema.js';

const instance = (name: string, overrides: Record<string, unknown> = {}) =>
  instanceOf(
    instanceBody.parse({
      workload: 'orders',
      bind: { address: '10.0.0.1', ports: { http: 8080 } },
      app: { ports: { http: 8080 } },
      host: 'vm-1',
      ...overrides,
    }),
    { mesh: 'default', namespace: 'shop', name },
    { version: 'v1', workload: 'orders' },
  );
const codes = (overrides: Record<string, unknown>): string[] =>
  instanceViolations(instance('a', overrides)).map((v) => `${v.path} ${v.code}`);

describe('an instance', () => {
  it('has what its token grants unless it claims less, and defaults for the rest', () => {
    expect(instance('a')).toMatchObject({
      labels: { version: 'v1', workload: 'orders' },
      advertised: '10.0.0.1',
      app: { address: '127.0.0.1' },
      outbound: { address: '127.100.0.1', httpPort: 15001 },
    });
    expect(instance('a', { labels: {} }).labels).toEqual({ workload: 'orders' });
    expect(instance('a', { metrics: { port: 9102 } }).metrics).toEqual({ address: '10.0.0.1', port: 9102 });
  });

  it.each([
    [{}, []],
    [{ app: { ports: {} } }, ['/app/ports/http missing-port']],
    [{ bind: { address: '0.0.0.0', ports: { http: 80 } } }, ['/advertised unreachable-address']],
    [{ outbound: { address: '10.0.0.1' } }, ['/outbound/address not-loopback']],
    [{ app: { address: '10.0.0.1', ports: { http: 8080 } } }, ['/bind/ports/http address-overlap']],
    [{ outbound: { address: '127.0.0.1', httpPort: 8080 } }, ['/outbound address-overlap']],
    [{ metrics: { port: 9102 } }, []],
    [{ metrics: { port: 8080 } }, ['/metrics/port address-overlap']],
    [{ advertised: '192.0.2.1', metrics: { port: 8080 } }, ['/metrics/port address-overlap']],
    [{ metrics: { address: '0.0.0.0', port: 9102 } }, ['/metrics/address unreachable-address']],
  ])('with %j has the violations %j', (overrides, expected) => {
    expect(codes(overrides)).toEqual(expected);
  });

  it('overlaps another one of its host by sidecar address and port only', () => {
    const a = instance('a');
    const free = { bind: { address: '10.0.0.1', ports: { http: 8081 } }, outbound: { address: '127.101.0.1' } };
    expect(overlap(a, instance('b', free))).toBeUndefined();
    expect(overlap(a, instance('b', { ...free, outbound: {} }))).toMatchObject({
      path: '/outbound',
      code: 'address-overlap',
    });
    expect(overlap(a, instance('b', { ...free, bind: { address: '0.0.0.0', ports: { x: 8080 } } }))?.message).toContain(
      'shop/b',
    );
    expect(overlap(a, instance('b', { host: 'vm-2' }))).toBeUndefined();
  });
});
