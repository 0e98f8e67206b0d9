import { randomBytes } from 'node:crypto';
import { Socket } from 'node:net';
import { type Clock, type Log, silentMetrics, systemClock } from '#libs/kernel';
import { createLog } from '#libs/observability';
import { type FeedEvent, openStore, type Store } from '#libs/store';
import { Collector, type Harvest, HarvestQueue, MeshNames } from '#libs/telemetry';
import { watchPatterns } from '../patterns/index.js';
import { PIPE_FD } from './collector-process.js';
import { type Frame, FrameReader, type WorkerSettings } from './frames.js';
import type { HarvestStoreFactory } from './harvest-store.js';
import { type MeshTags, openMeshExport } from './mesh-export.js';
import { GatheredMetrics } from './told-metrics.js';

const TELL_EVERY_MS = 1_000;
/** What is left at the end is written in so long, or lost. */
const LAST_WRITE_MS = 5_000;
const RECONNECT_MS = 2_000;
/** Without a database reports are taken without names after this. */
const NAMES_WITHIN_MS = 15_000;
/** One writes, one reads the feed, beside the one that listens. */
const CONNECTIONS = 2;

/** The parts of a running collector. */
interface Parts {
  readonly log: Log;
  readonly collector: Collector;
  readonly queue: HarvestQueue;
  readonly tag: (tags: MeshTags) => void;
  /** Resolves when it is known who is in the meshes. */
  readonly named: Promise<void>;
  close(): Promise<void>;
}

/**
 * Runs the collector on the pipe that its parent has given it, and ends this process when the pipe ends: a control plane that
 * dies takes it along, after what it had was written.
 */
export function runWorker(harvestStore: HarvestStoreFactory): void {
  const clock = systemClock;
  const metrics = new GatheredMetrics();
  const pipe = new Socket({ fd: PIPE_FD, readable: true, writable: true });
  const reader = new FrameReader();
  let parts: Parts | undefined;
  let isEnding = false;
  const end = (): void => {
    if (isEnding) return;
    isEnding = true;
    parts?.collector.flush();
    void finish(parts).finally(() => process.exit(0));
  };
  const take = (frame: Frame): void => {
    if (frame.kind === 'start') {
      parts = start(frame.settings, { clock, metrics, harvestStore });
      // Until it is known who is who, reports wait in the pipe: what is told by address is told of nobody.
      pipe.pause();
      const cancel = clock.after(NAMES_WITHIN_MS, () => pipe.resume());
      void parts.named.then(() => {
        cancel();
        pipe.resume();
      });
    } else if (frame.kind === 'tags') parts?.tag(frame.tags);
    else if (parts) takeFrame(parts.collector, frame);
  };
  clock.every(TELL_EVERY_MS, () => {
    const line = metrics.take();
    if (line !== undefined && pipe.writable) pipe.write(line);
  });
  pipe.on('data', (chunk: Buffer) => {
    for (const frame of reader.read(chunk)) take(frame);
  });
  for (const event of ['end', 'close', 'error']) pipe.on(event, end);
  // Ctrl-C goes to the whole group, and a stop by systemd to all that belongs to the unit; the parent then ends the pipe.
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => {});
}

function takeFrame(collector: Collector, frame: Exclude<Frame, { kind: 'start' | 'tags' }>): void {
  if (frame.kind === 'report') collector.take(frame.report, frame.receivedAt);
  else if (frame.kind === 'time') collector.tick(frame.now);
  else collector.missed(frame.since, frame.until);
}

async function finish(parts: Parts | undefined): Promise<void> {
  if (!parts) return;
  const left = await parts.queue.drain(LAST_WRITE_MS);
  if (left > 0) parts.log.warn('harvests were lost: they could not be written before the end', { harvests: left });
  await parts.close();
}

interface StartDeps {
  readonly clock: Clock;
  readonly metrics: GatheredMetrics;
  readonly harvestStore: HarvestStoreFactory;
}

function start(settings: WorkerSettings, { clock, metrics, harvestStore }: StartDeps): Parts {
  const log = createLog({ level: settings.logLevel }).child({ component: 'collector' });
  const names = new MeshNames();
  // Another run is another source: what this one writes replaces nothing of the one before.
  const source = `${settings.replica}/${randomBytes(6).toString('base64url')}`;
  const { promise: named, resolve: isNamed } = Promise.withResolvers<void>();
  const onEvent = (event: FeedEvent): void => {
    names.onEvent(event);
    isNamed();
  };
  const opened = openPatiently(settings, onEvent, { clock, log });
  const exporting = openMeshExport(settings.otlp, { metrics, log });
  const queue = new HarvestQueue({
    store: { write: async (harvest) => harvestStore(await opened, metrics).write(harvest) },
    ...{ clock, log, metrics },
  });
  const onHarvest = (harvest: Harvest): void => {
    queue.add(harvest);
    void exporting.then((one) => one.add(harvest));
  };
  const collector = new Collector({ source, names, metrics, onHarvest });
  const watching = Promise.all([opened, exporting]).then(([store, { tracer }]) =>
    watchPatterns({ store, names, holder: source, clock, log, metrics, tracer }),
  );
  log.debug('the collector has started', { source });
  const close = async (): Promise<void> => {
    await (await watching)();
    await (await opened).close();
  };
  const closeAll = async () => {
    await Promise.all([Promise.race([close(), nothing()]), exporting.then((one) => one.close())]);
  };
  const tag = (tags: MeshTags): void => void exporting.then((one) => one.tag(tags));
  return { log, collector, queue, named, tag, close: closeAll };
}

/** A database that is away shall not keep the process. */
const nothing = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, 1_000).unref());

/** REL-4: whoever starts while the way leads to another database must not take it for ours. */
function requireSame(expected: string, found = 'an empty one'): void {
  if (found !== expected)
    throw new Error(`this is another database (${found}), not the one that is served (${expected})`);
}

/** Opens the store as soon as it can be, and follows who is in the meshes. */
async function openPatiently(
  { databaseUrl, clusterId, replica }: WorkerSettings,
  onEvent: (event: FeedEvent) => void,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Promise<Store> {
  for (let tries = 1; ; tries++) {
    try {
      const store = await openStore({
        ...{ url: databaseUrl, replica: `${replica}.collector`, pool: CONNECTIONS },
        ...{ clock, log, metrics: silentMetrics },
        admit: (found) => requireSame(clusterId, found?.clusterId),
      });
      void store.feed.start(onEvent).catch((error: unknown) => {
        log.warn('who is in the meshes is not known', { reason: String(error) });
      });
      return store;
    } catch (error) {
      // Once is enough: the control plane says the same.
      log[tries === 1 ? 'warn' : 'debug']('the collector cannot open the database yet', { reason: String(error) });
      await new Promise<void>((resolve) => void clock.after(RECONNECT_MS, resolve));
    }
  }
}
