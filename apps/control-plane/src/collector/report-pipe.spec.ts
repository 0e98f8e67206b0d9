import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Metrics } from '#libs/kernel';
import { HandClock } from '../../../../libs/testing/src/clock/index.js';
import { type Frame, FrameReader, missedFrame, reportHead, startFrame, tagsFrame, timeFrame } from './frames.js';
import { ReportPipe } from './report-pipe.js';
import { GatheredMetrics, ToldMetrics } from './told-metrics.js';

const report = (node: string, bytes: Buffer) => ({ kind: 'log' as const, node, log: 'request;1/16', bytes });

let clock: HandClock;
let counted: Map<string, number>;
let metrics: Metrics;

beforeEach(() => {
  [clock, counted] = [new HandClock(), new Map()];
  metrics = {
    count: (name, labels = {}, by = 1) => {
      const key = [name, ...Object.values(labels)].join(' ');
      counted.set(key, (counted.get(key) ?? 0) + by);
    },
    gauge: () => {},
    observe: () => {},
  };
});

describe('frames', () => {
  it('are the same however the pipe cuts them', () => {
    const frames: Frame[] = [
      { kind: 'start', settings: { databaseUrl: 'postgres://x', clusterId: 'c', replica: 'r', logLevel: 'warn' } },
      { kind: 'report', receivedAt: 1.5, report: report('m/n/w/i', Buffer.from('abc')) },
      { kind: 'report', receivedAt: 2, report: { kind: 'metrics', node: 'ü', log: '', bytes: Buffer.alloc(0) } },
      { kind: 'missed', since: 3, until: 4 },
      { kind: 'tags', tags: { m: { workloads: { 'shop/web': { team: 'ä' } }, services: {} } } },
      { kind: 'time', now: 5 },
    ];
    const bytes = Buffer.concat(
      frames.flatMap((frame) => {
        if (frame.kind === 'start') return [startFrame(frame.settings)];
        if (frame.kind === 'time') return [timeFrame(frame.now)];
        if (frame.kind === 'tags') return [tagsFrame(frame.tags) ?? Buffer.alloc(0)];
        if (frame.kind === 'missed') return [missedFrame(frame.since, frame.until)];
        return [reportHead(frame.report, frame.receivedAt), frame.report.bytes];
      }),
    );
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (lengths) => {
        const reader = new FrameReader();
        const read: Frame[] = [];
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const length = lengths[i % lengths.length] ?? 1;
          read.push(...reader.read(bytes.subarray(at, at + length)));
          at += length;
        }
        expect(read).toEqual(frames);
      }),
    );
  });

  it('of another kind, or of no length, are refused', () => {
    expect(() => [...new FrameReader().read(Buffer.from([1, 0, 0, 0, 99]))]).toThrow('kind 99');
    expect(() => [...new FrameReader().read(Buffer.from([0, 0, 0, 0, 1]))]).toThrow('0 bytes');
  });
});

describe('the pipe', () => {
  it('REL-35 drops and counts what finds no room, waits for nobody, and tells of the gap', async () => {
    const pipe = new ReportPipe({ clock, metrics, mostBytes: 10_000 });
    const to = new PassThrough({ highWaterMark: 100 });
    pipe.connect(to);
    for (let i = 0; i < 100; i++) {
      pipe.take(report('m/n/w/i', Buffer.alloc(1_000)));
      await clock.advance(10);
    }
    const dropped = counted.get('heddle_telemetry_dropped_total log') ?? 0;
    expect(dropped).toBeGreaterThan(80);
    expect(to.writableLength + to.readableLength).toBeLessThan(15_000);
    const reader = new FrameReader();
    const frames: Frame[] = [];
    to.on('data', (chunk: Buffer) => frames.push(...reader.read(chunk)));
    await new Promise((resolve) => setImmediate(resolve));
    pipe.tick();
    await new Promise((resolve) => setImmediate(resolve));
    const reports = frames.filter(({ kind }) => kind === 'report');
    expect(reports).toHaveLength(100 - dropped);
    const [gap] = frames.filter((frame) => frame.kind === 'missed');
    expect((gap?.until ?? 0) - (gap?.since ?? 0)).toBe((dropped - 1) * 10);
    expect(frames.at(-1)?.kind).toBe('time');
  });

  it('tells each collector what is said of the meshes, once', () => {
    const pipe = new ReportPipe({ clock, metrics });
    const tags = { m: { workloads: { 'shop/web': { team: 'front' } }, services: {} } };
    const reads = (): PassThrough => {
      const to = new PassThrough();
      pipe.connect(to);
      return to;
    };
    const told = (to: PassThrough) => [...new FrameReader().read(to.read() ?? Buffer.alloc(0))];
    const first = reads();
    pipe.tag(tags);
    pipe.tag({ ...tags });
    expect(told(first)).toEqual([{ kind: 'tags', tags }]);
    pipe.connect(undefined);
    pipe.tag({});
    expect(told(reads())).toEqual([{ kind: 'tags', tags: {} }]);
  });

  it('REL-35 without a collector drops everything', () => {
    const pipe = new ReportPipe({ clock, metrics });
    pipe.take(report('m/n/w/i', Buffer.alloc(10)));
    pipe.tick();
    expect(counted.get('heddle_telemetry_dropped_total log')).toBe(1);
  });
});

describe('metrics of the collector', () => {
  it('are those of the control plane, and no others', () => {
    const gathered = new GatheredMetrics();
    gathered.count('heddle_telemetry_records_total', { log: 'request' }, 3);
    gathered.count('heddle_telemetry_records_total', { log: 'request' });
    gathered.count('heddle_feed_failures_total', { reason: 'error' });
    const told = new ToldMetrics(metrics);
    const line = gathered.take() ?? '';
    for (const character of line) told.take(character);
    expect([...counted]).toEqual([['heddle_telemetry_records_total request', 4]]);
    expect(gathered.take()).toBeUndefined();
  });

  it('come through however many there are', () => {
    const gathered = new GatheredMetrics();
    const labels = Array.from({ length: 1_000 }, (_, i) => `${i} ${'x'.repeat(200)}`);
    for (const label of labels) gathered.count('heddle_telemetry_records_total', { log: label });
    new ToldMetrics(metrics).take(gathered.take() ?? '');
    expect([...counted]).toEqual(labels.map((label) => [`heddle_telemetry_records_total ${label}`, 1]));
  });

  const good = `[["count","heddle_telemetry_records_total",2,{"log":"request"}]]`;
  it.each([
    ['that was cut', good.slice(0, -9)],
    ['that is empty', ''],
    ['that is no list', '{}'],
    ['of something else', '[["count","heddle_telemetry_records_total",2,{"log":["request"]}]]'],
    ['that counts backwards', '[["count","heddle_telemetry_records_total",-2,{}]]'],
    ['that is longer than any', `[${' '.repeat(200_000)}]`],
    ['of which not even the end is right', `${good.slice(0, -1)}${' '.repeat(64 * 1024)}]`],
  ])('a line %s is counted, and the next one is read', (_, line) => {
    for (const size of [1, 1_000, 65_536, 1_000_000]) {
      counted.clear();
      const told = new ToldMetrics(metrics);
      const text = `${good}\n${line}\n${good}\n`;
      for (let at = 0; at < text.length; at += size) told.take(text.slice(at, at + size));
      expect([...counted].toSorted()).toEqual([
        ['heddle_telemetry_records_total request', 4],
        ['heddle_telemetry_told_unreadable_total', 1],
      ]);
    }
  });

  it('that are no lines at all cost no memory and no control plane', () => {
    const told = new ToldMetrics(metrics);
    const unit = fc.constantFrom('\n', '[', ']', '{', '}', ',', '"', '"count"', '1', '\0', '\ud800', 'é');
    fc.assert(fc.property(fc.string({ unit, size: 'large' }), (text) => told.take(text)));
    expect([...counted.keys()].filter((name) => name.startsWith('heddle_telemetry_records'))).toEqual([]);
  });
});
