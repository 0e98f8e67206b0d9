import { beforeEach, describe, expect, it } from 'vitest';
import type { CompiledChange } from '#libs/compiler';
import { type PastSpan, silentTracer, type Tracer } from '#libs/kernel';
import type { ChangeTrace } from '#libs/store';
import { HandClock, settled } from '../../testing/src/clock/index.js';
import { ChangeTracing, changeTracing } from './change-tracing.js';
import { ProgressTracker } from './progress/index.js';

const MESH = 'm';
const NOTHING: CompiledChange = {
  ...{ set: [], removed: [], layers: [], removedLayers: [], views: [], removedViews: [], failures: [] },
};

let clock: HandClock;
let hints: ChangeTrace[];
let spans: PastSpan[];
let progress: ProgressTracker;
let tracing: ChangeTracing;

beforeEach(() => {
  [clock, hints, spans] = [new HandClock(), [], []];
  progress = new ProgressTracker(clock);
  const tracer: Tracer = {
    ...silentTracer,
    on: true,
    record: (span) => `${span.parent}>${spans.push(span)}`,
  };
  const feed = {
    traced: (after: number, upTo: number) => hints.filter(({ revision }) => revision > after && revision <= upTo),
  };
  tracing = new ChangeTracing({ tracer, feed, progress, replica: 'r', clock, now: () => clock.now() });
  pass(1, []);
});

let change = 0;
/** Reads and publishes everything up to a config revision, for these streams. @returns the number of the publication */
function pass(configRevision: number, streams: readonly number[]): number {
  change += 1;
  tracing.seen(configRevision);
  progress.published(
    { change, mesh: MESH, configRevision, runtimeRevision: 0, touched: 1, resources: [], viewsChanged: false },
    new Map(streams.map((stream) => [stream, `p${stream}`])),
  );
  const published = [{ mesh: MESH, change, compiled: NOTHING }];
  tracing.adopted({ configRevision, tookMs: 5, slices: 1, computed: 3, published });
  return change;
}
const hint = (revision: number): void =>
  void hints.push({ revision, traceparent: `t${revision}`, heardAt: clock.now() });
const told = (): string[] =>
  spans.map(({ name, parent, values }) => `${parent} ${name} ${String(values?.['heddle.revision'])}`);

describe('the trace of a change on a replica', () => {
  it('goes from its commit to the last answer, one span for each step', async () => {
    hint(2);
    const published = pass(2, [1, 2]);
    await clock.advance(40);
    progress.caughtUp(1, published);
    progress.caughtUp(2, published);
    await clock.advance(1_000);
    await settled();
    expect(told()).toEqual(['t2 change read 2', 't2>1 change compile 2', 't2>1>2 change deliver 2']);
    const [, compile, deliver] = spans;
    expect(compile?.values).toMatchObject({ 'heddle.queries': 3, 'heddle.slices': 1, 'heddle.replica': 'r' });
    expect(deliver?.values).toMatchObject({
      'heddle.proxies': 2,
      'heddle.proxies.acked': 2,
      'heddle.proxies.behind': 0,
    });
    expect((deliver?.endedAt ?? 0) - (deliver?.startedAt ?? 0)).toBe(40);
  });

  it('is found though its hint is heard after the change was read', async () => {
    pass(2, []);
    await clock.advance(100);
    hint(2);
    await clock.advance(1_000);
    await settled();
    expect(told()).toEqual(['t2 change read 2', 't2>1 change compile 2', 't2>1>2 change deliver 2']);
  });

  it('is told of with who is behind after a minute', async () => {
    hint(2);
    pass(2, [1]);
    await clock.advance(30_000);
    expect(told()).not.toContainEqual(expect.stringContaining('deliver'));
    await clock.advance(40_000);
    expect(spans.at(-1)?.values).toMatchObject({ 'heddle.proxies': 1, 'heddle.proxies.behind': 1 });
  });

  it('is one each for changes that are compiled together, and none for what nobody traces', async () => {
    hint(2);
    hint(4);
    pass(4, []);
    pass(5, []);
    await clock.advance(1_000);
    await settled();
    expect(told().filter((line) => line.includes('compile'))).toEqual([
      't2>1 change compile 2',
      't4>3 change compile 4',
    ]);
    expect(told().filter((line) => line.includes('deliver'))).toHaveLength(2);
  });

  it('is nothing where nobody keeps spans', () => {
    const options = { feed: { traced: () => [] }, progress, replica: 'r', clock };
    expect(changeTracing(options)).toBeUndefined();
    expect(changeTracing({ ...options, tracer: silentTracer })).toBeUndefined();
  });
});
