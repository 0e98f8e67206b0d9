import { describe, expect, it } from 'vitest';
import { ChangeTraces } from './change-traces.js';

const TRACE = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;

describe('what hints say of traces', () => {
  it('is kept by revision, and asked for by a range of them', () => {
    const traces = new ChangeTraces();
    for (const revision of [5, 3, 4]) traces.hear(`config:${revision} ${TRACE}`, revision * 10);
    expect(traces.between(3, 5)).toEqual([
      { revision: 4, traceparent: TRACE, heardAt: 40 },
      { revision: 5, traceparent: TRACE, heardAt: 50 },
    ]);
    expect(traces.between(5, 9)).toEqual([]);
  });

  it('is told first by who made the change, whose word stays', () => {
    const traces = new ChangeTraces();
    traces.note({ revision: 1, traceparent: TRACE, heardAt: 1 });
    traces.hear(`config:1 ${TRACE.replaceAll('a', 'c')}`, 2);
    expect(traces.between(0, 1)).toEqual([{ revision: 1, traceparent: TRACE, heardAt: 1 }]);
  });

  it.each([
    undefined,
    '',
    'config:1',
    'runtime:1',
    `runtime:1 ${TRACE}`,
    `config:1 ${TRACE} more`,
    `config:1 ${TRACE.toUpperCase()}`,
    `config:-1 ${TRACE}`,
    `config:1  ${'x'.repeat(7_000)}`,
  ])('is nothing in %s', (payload) => {
    const traces = new ChangeTraces();
    traces.hear(payload, 0);
    expect(traces.between(-10, 10)).toEqual([]);
  });

  it('is of the newest few hundred', () => {
    const traces = new ChangeTraces();
    for (let revision = 1; revision <= 1_000; revision += 1) traces.hear(`config:${revision} ${TRACE}`, 0);
    expect(traces.between(0, 1_000)).toHaveLength(256);
    expect(traces.between(999, 1_000)).toHaveLength(1);
  });
});
