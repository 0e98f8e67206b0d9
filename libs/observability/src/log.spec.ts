import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { dropWhenBlocked } from './drop-when-blocked.js';
import { createLog, type LogLevel } from './log.js';

function collect(level: LogLevel = 'debug') {
  const lines: string[] = [];
  return { lines, log: createLog({ level, destination: { write: (line) => void lines.push(line) } }) };
}

describe('createLog', () => {
  it('writes one JSON object a line with level, time, message and fields', () => {
    const { log, lines } = collect();
    log.warn('a client refused a response', { type: 'CDS', names: ['a', 'b'] });
    expect(lines).toHaveLength(1);
    expect(lines[0]?.endsWith('\n')).toBe(true);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'warn',
      message: 'a client refused a response',
      type: 'CDS',
      names: ['a', 'b'],
      time: expect.any(Number),
    });
  });

  it('leaves out what is below its level', () => {
    const { log, lines } = collect('warn');
    log.debug('a');
    log.info('b');
    log.error('c');
    expect(lines.map((line) => (JSON.parse(line) as { level: string }).level)).toEqual(['error']);
  });

  it('adds the fields of a child to each of its lines', () => {
    const { log, lines } = collect();
    log.child({ mesh: 'default' }).child({ stream: 7 }).info('x', { a: 1 });
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ mesh: 'default', stream: 7, a: 1 });
  });

  it('spells out errors and their causes', () => {
    const { log, lines } = collect();
    log.error('failed', { error: new Error('outer', { cause: new TypeError('inner') }) });
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      error: { message: 'outer', stack: expect.any(String), cause: { type: 'TypeError', message: 'inner' } },
    });
  });

  it('SEC-10 SEC-12 keeps strings from outside on their line and away from its own members', () => {
    const { log, lines } = collect();
    log.info('x', {
      level: 'error',
      message: 'forged',
      time: 0,
      said: 'a\r\n{"level":"error"}\u001b[31m\0',
      __proto__: { polluted: 1 },
    });
    expect(lines[0]?.match(/\n/g)).toHaveLength(1);
    expect(lines[0]).not.toContain('\u001b');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'info',
      message: 'x',
      level_: 'error',
      message_: 'forged',
    });
    expect(lines[0]?.match(/"message":/g)).toHaveLength(1);
    expect('polluted' in {}).toBe(false);
  });

  it('survives what JSON cannot hold', () => {
    const { log, lines } = collect();
    const loop: unknown[] = [];
    loop.push(loop);
    log.info('x', { loop, big: 2n ** 70n, nothing: undefined, call: () => 1 });
    expect(lines).toHaveLength(1);
    expect(() => JSON.parse(lines[0] ?? '') as unknown).not.toThrow();
  });
});

describe('dropWhenBlocked', () => {
  it('REL-35 drops and counts lines while nobody reads, bounded in memory, and tells how many afterwards', async () => {
    const pipe = new PassThrough();
    const heard: number[] = [];
    const destination = dropWhenBlocked(pipe, (total) => heard.push(total));
    const line = `${'x'.repeat(1023)}\n`;
    for (let round = 0; round < 5000; round++) destination.write(line);
    expect(pipe.writableLength).toBeLessThan(2 << 20);
    expect(destination.dropped).toBeGreaterThan(3000);
    expect(heard.at(-1)).toBe(destination.dropped);
    let read = '';
    pipe.on('data', (chunk: Buffer) => {
      read += chunk.toString();
    });
    await new Promise((resolve) => setImmediate(resolve));
    destination.write('back\n');
    await new Promise((resolve) => setImmediate(resolve));
    expect(read).toContain(`"lines":${destination.dropped}}\nback\n`);
  });

  it('REL-35 outlives a reader that has gone', async () => {
    const pipe = new PassThrough();
    const destination = dropWhenBlocked(pipe);
    pipe.destroy(new Error('EPIPE'));
    await new Promise((resolve) => setImmediate(resolve));
    destination.write('nobody hears\n');
    expect(destination.dropped).toBeGreaterThan(0);
  });
});
