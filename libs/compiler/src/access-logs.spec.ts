import { describe, expect, it } from 'vitest';
import { XDS_CLUSTER as BOOTSTRAP_CLUSTER } from '#libs/launcher';
import type { OneOf } from '#libs/model';
import { accessLog, sampled } from './access-logs.js';
import { XDS_CLUSTER } from './names.js';

const RATES: readonly Exclude<OneOf, 1>[] = [2, 4, 8, 16, 32, 64, 128, 256];

/** As Envoy matches: the whole value. */
function matcher(oneOf: Exclude<OneOf, 1>): RegExp {
  const found = /"regex":"([^"]+)"/.exec(JSON.stringify(sampled(oneOf)))?.[1];
  return new RegExp(`^(?:${found})$`);
}

describe('the sample', () => {
  it.each(RATES)('takes one of %i request ids, by their first two digits', (oneOf) => {
    const ids = Array.from({ length: 256 }, (_, i) => `${i.toString(16).padStart(2, '0')}6d1ac2-3f5e-9d14-b8a6-4b0c`);
    expect(ids.filter((id) => matcher(oneOf).test(id))).toHaveLength(256 / oneOf);
  });

  it.each(RATES)('of one of %i is part of every larger one', (oneOf) => {
    const larger = RATES[Math.max(0, RATES.indexOf(oneOf) - 1)] ?? 2;
    const outside: string[] = [];
    for (let i = 0; i < 256; i++) {
      const id = `${i.toString(16).padStart(2, '0')}aa`;
      if (matcher(oneOf).test(id)) outside.push(...(matcher(larger).test(id) ? [] : [id]));
    }
    expect(outside).toEqual([]);
  });
});

describe('the access log', () => {
  it('says in its name what it is and how much of it is there', () => {
    expect(JSON.stringify(Buffer.from(packedConfig(accessLog('attempt', 64))).toString('latin1'))).toContain(
      'attempt;1/64',
    );
    expect(accessLog('served', 1)).not.toHaveProperty('filter');
  });

  it('goes where the configuration comes from', () => {
    expect(XDS_CLUSTER).toBe(BOOTSTRAP_CLUSTER);
  });
});

function packedConfig({ configType: config }: ReturnType<typeof accessLog>): Uint8Array {
  if (config?.case !== 'typedConfig') throw new Error('no configuration');
  return config.value.value ?? new Uint8Array();
}
