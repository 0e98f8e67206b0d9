import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type ExportedMetric, type Log, type Metrics, silentLog, silentMetrics } from '#libs/kernel';
import { OtlpReceiver } from '../../../testing/src/otlp/index.js';
import { createLog } from '../log.js';
import { createMetrics } from '../metrics.js';
import { logPipeline, metricPipeline, tracePipeline } from './pipelines.js';
import type { OtlpSettings } from './settings.js';

let receiver: OtlpReceiver;

beforeAll(async () => {
  receiver = await OtlpReceiver.start();
});
afterAll(() => receiver.close());
afterEach(() => {
  receiver.received.length = 0;
  receiver.status = 200;
});

/** What a pipeline needs, with what it counted and said. */
function options(settings: Partial<OtlpSettings> = {}) {
  const counted = new Map<string, number>();
  const said: string[] = [];
  const metrics: Metrics = {
    ...silentMetrics,
    count: (name, { reason = '' } = {}, by = 1) => {
      const key = `${name.replace(/^heddle_otlp_|_total$/g, '')} ${reason}`.trim();
      counted.set(key, (counted.get(key) ?? 0) + by);
    },
  };
  const say = (message: string): void => void said.push(message);
  const log: Log = { ...silentLog, warn: say, info: say };
  const usual = { endpoint: receiver.httpUrl, protocol: 'http/protobuf', headers: {}, sampleRatio: 1 } as const;
  const given = { settings: { ...usual, instance: 'r1', version: '9', ...settings }, metrics, log: () => log };
  return { given, counted, said };
}

const PARENT = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;

describe('spans', () => {
  it.each(['http/protobuf', 'grpc'] as const)('are what a collector takes by %s, with headers', async (protocol) => {
    const endpoint = protocol === 'grpc' ? receiver.grpcUrl : receiver.httpUrl;
    const { given, counted } = options({ endpoint, protocol, headers: { authorization: 'Bearer t' } });
    const { tracer, close } = tracePipeline(given);
    const carried = await tracer.run(
      'GET /a',
      async (span) => {
        span.set('list', ['a', 'b']);
        await tracer.run('within', async (inner) => inner.tell('told', 7));
        return tracer.current();
      },
      { kind: 'server', parent: PARENT },
    );
    const past = { name: 'past', parent: carried ?? '', startedAt: 1_700_000_000_000, endedAt: 1_700_000_000_250 };
    const printed = tracer.record(past);
    await close();
    const [inner, outer, recorded] = receiver.spans;
    expect(outer).toMatchObject({
      ...{ traceId: 'a'.repeat(32), parent: 'b'.repeat(16), name: 'GET /a', kind: 2, failed: false },
      values: { list: ['a', 'b'], told: 7 },
      resource: { 'service.name': 'heddle', 'service.version': '9', 'service.instance.id': 'r1' },
    });
    expect(inner).toMatchObject({ name: 'within', parent: outer?.spanId, values: { told: 7 } });
    expect(recorded).toMatchObject({
      name: 'past',
      parent: outer?.spanId,
      start: 1_700_000_000_000,
      end: 1_700_000_000_250,
    });
    expect(printed).toBe(`00-${'a'.repeat(32)}-${recorded?.spanId}-01`);
    expect(receiver.received[0]?.headers['authorization']).toBe('Bearer t');
    expect(counted).toEqual(new Map([['exported', 3]]));
  });

  it('follow what the caller has decided, else the ratio; nothing goes on from one that is not kept', async () => {
    const { tracer, close } = tracePipeline(options({ sampleRatio: 0 }).given);
    const current = (parent: string | undefined) => tracer.run('a', () => tracer.current(), { parent });
    expect([current(PARENT.replace(/01$/, '00')), current(undefined), current('nonsense')]).toEqual(
      Array.from({ length: 3 }, () => undefined),
    );
    expect(current(PARENT)).toMatch(/^00-a{32}-[0-9a-f]{16}-01$/);
    expect(tracer.run('a', () => tracer.ids())).toMatchObject({ trace_id: expect.stringMatching(/^[0-9a-f]{32}$/) });
    expect(tracer.ids()).toBeUndefined();
    await close();
    expect(receiver.spans).toHaveLength(1);
  });

  it('are known to every line of the log that is written in them', async () => {
    const { tracer, close } = tracePipeline(options().given);
    const lines: string[] = [];
    const destination = { write: (line: string) => void lines.push(line) };
    const log = createLog({ level: 'info', destination, context: () => tracer.ids() });
    log.info('before');
    await tracer.run('a', async () => {
      await Promise.resolve();
      log.child({ component: 'c' }).warn('within', { more: 1 });
    });
    await close();
    const [span] = receiver.spans;
    expect(lines.map((line) => JSON.parse(line) as object)).toEqual([
      expect.not.objectContaining({ trace_id: expect.anything() }),
      expect.objectContaining({ trace_id: span?.traceId, span_id: span?.spanId, component: 'c', more: 1 }),
    ]);
  });

  it('SEC-24 have the type of an error and never its words; long texts are cut', async () => {
    const { tracer, close } = tracePipeline(options().given);
    const failing = tracer.run('a', async (span) => {
      span.set('long', 'x'.repeat(5_000));
      throw new RangeError('password=hunter2');
    });
    await expect(failing).rejects.toThrow('hunter2');
    expect(() =>
      tracer.run('b', () => {
        throw new TypeError('hunter2');
      }),
    ).toThrow('hunter2');
    await close();
    expect(receiver.spans.map(({ failed, values }) => [failed, values['error.type']])).toEqual([
      [true, 'RangeError'],
      [true, 'TypeError'],
    ]);
    expect(String(receiver.spans[0]?.values['long'])).toHaveLength(256);
    expect(Buffer.concat(receiver.received.map(({ bytes }) => bytes)).includes('hunter2')).toBe(false);
  });

  it.each([
    ['refuses with 429', 429],
    ['refuses with 503', 503],
    ['refuses with 400', 400],
    ['hangs', 0],
  ])('REL-35 a collector that %s costs spans, which are counted, and nothing else', async (_, status) => {
    receiver.status = status;
    const { given, counted } = options();
    const { tracer, close } = tracePipeline(given);
    for (let i = 0; i < 5_000; i += 1) tracer.run('a', () => {});
    await close();
    expect(counted.get('dropped queue-full')).toBeGreaterThanOrEqual(5_000 - 2_048);
    expect((counted.get('dropped queue-full') ?? 0) + (counted.get('dropped not-delivered') ?? 0)).toBeLessThanOrEqual(
      5_000,
    );
    expect(counted.has('exported')).toBe(false);
  });

  it('REL-35 a collector that is not there is told of once, and again when it is back', async () => {
    const { given, counted, said } = options({ endpoint: 'http://127.0.0.1:1' });
    const { tracer, close } = tracePipeline(given);
    for (let i = 0; i < 300; i += 1) tracer.run('a', () => {});
    await expect.poll(() => counted.get('dropped not-delivered')).toBeGreaterThan(0);
    expect(said).toEqual(['telemetry could not be exported and is lost']);
    await close();
  });
});

describe('metrics', () => {
  it('are those of /metrics, as they are', async () => {
    const registry = createMetrics({ process: false });
    registry.count('xds_acks_total', { type: 'CDS' }, 3);
    registry.gauge('xds_streams', 7);
    for (const seconds of [0.002, 0.02, 99]) registry.observe('heddle_pass_seconds', seconds);
    const { close } = metricPipeline(options().given, { everyMs: 3_600_000, collect: () => registry.points() });
    await close();
    const of = (name: string) => receiver.points.filter(({ metric }) => metric === name);
    expect(of('xds_acks_total')).toMatchObject([{ kind: 'sum', value: 3, values: { type: 'CDS' } }]);
    expect(of('xds_streams')).toMatchObject([{ kind: 'gauge', value: 7 }]);
    const [histogram] = of('heddle_pass_seconds');
    expect(histogram).toMatchObject({ kind: 'histogram', value: 3, resource: { 'service.name': 'heddle' } });
    expect(histogram?.counts.map((count, i) => [histogram.bounds[i], count]).filter(([, count]) => count)).toEqual([
      [0.0025, 1],
      [0.025, 1],
      [undefined, 1],
    ]);
    registry.close();
  });

  it('REL-35 that were not delivered are counted; the next export has all of it', async () => {
    let sum = 0;
    const collect = async (): Promise<ExportedMetric[]> => {
      sum += 1;
      const points = [{ values: {}, since: 0, value: sum }];
      return [{ name: 'n', description: '', unit: '', kind: 'sum', points }];
    };
    receiver.status = 400;
    const { given, counted, said } = options();
    const { close } = metricPipeline(given, { everyMs: 20, collect });
    await expect.poll(() => counted.get('dropped not-delivered')).toBeGreaterThan(1);
    receiver.status = 200;
    await expect.poll(() => receiver.points.length).toBeGreaterThan(0);
    expect(receiver.points[0]?.value).toBeGreaterThan(2);
    await expect
      .poll(() => said)
      .toEqual(['telemetry could not be exported and is lost', 'telemetry is exported again']);
    await close();
  });
});

describe('records', () => {
  it('are logs of the time at which it happened', async () => {
    const { emit, close } = logPipeline(options().given);
    emit({ name: 'it.failed', at: 1_700_000_000_123, body: 'it failed', values: { 'url.path': '/a', tries: 2 } });
    await close();
    expect(receiver.records).toMatchObject([
      { event: 'it.failed', at: 1_700_000_000_123, body: 'it failed', values: { 'url.path': '/a', tries: 2 } },
    ]);
  });
});
