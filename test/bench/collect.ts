/** What records cost: `node dist/test/bench/collect.js`. CPU, so that a busy machine changes little. */
import { createServer } from 'node:net';
import { silentMetrics } from '#libs/kernel';
import { AccessLogReceiver, Collector, type LogEntry, MeshNames } from '#libs/telemetry';
import { logMessage } from '../../libs/telemetry/testing/index.js';

const RECORDS = 200_000;
const PER_MESSAGE = 45;
const NODES = 100;

const entry = (i: number, status: number): Partial<LogEntry> => ({
  ...{ cluster: `shop/back-${i % 20}/8080`, route: `HTTPRoute/shop/back-${i % 20}/0`, upstream: '10.0.0.1:8080' },
  ...{
    details: 'via_upstream',
    attempt: 1,
    status,
    durationMs: 5 + (i % 40),
    host: `back-${i % 20}`,
    startedAt: 1.8e12,
  },
  ...{
    requestId: `0${String(i).padStart(7, '0')}-aaaa-4aaa-8aaa-aaaaaaaaaaaa`,
    path: '/products/1234567890/reviews?page=3',
  },
});

const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

const line = (what: string, ms: number): void =>
  void process.stdout.write(`${what}: ${((ms * 1000) / RECORDS).toFixed(2)} ms of CPU for 1,000 records\n`);

/** @param failing of a hundred */
function collect(failing: number): void {
  let cells = 0;
  const names = new MeshNames();
  const onHarvest = ({ edges, instances }: { edges: readonly unknown[]; instances: readonly unknown[] }): void => {
    cells += edges.length + instances.length;
  };
  const collector = new Collector({ source: 'bench', names, metrics: silentMetrics, onHarvest });
  const messages = Array.from({ length: 50 }, (_, m) =>
    logMessage(
      Array.from({ length: PER_MESSAGE }, (__, i) => entry(m * PER_MESSAGE + i, i % 100 < failing ? 503 : 200)),
    ),
  );
  const before = cpuMs();
  for (let n = 0; n < RECORDS / PER_MESSAGE; n++) {
    const log = n % 2 === 0 ? 'request;1/16' : 'attempt;1/16';
    const bytes = messages[n % messages.length] ?? Buffer.alloc(0);
    // 5,000 records a second.
    const receivedAt = 1.8e12 + n * ((PER_MESSAGE / 5_000) * 1000);
    collector.take({ kind: 'log', node: `m/shop/front-${n % NODES}/front-${n % NODES}`, log, bytes }, receivedAt);
  }
  collector.flush();
  const { rss } = process.memoryUsage();
  line(`collector, ${failing} % failures (${cells} cells, ${Math.round(rss / 1e6)} MB)`, cpuMs() - before);
}

/** What the control plane does with the same: to a socket that somebody reads in this process, whose cost is in it. */
async function receive(): Promise<void> {
  const { ReportPipe } = await import('../../apps/control-plane/src/collector/report-pipe.js');
  const { systemClock } = await import('#libs/kernel');
  const { connect } = await import('node:net');
  const server = createServer((socket) => void socket.resume()).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  const socket = connect(typeof address === 'object' && address ? address.port : 0, '127.0.0.1');
  await new Promise((resolve) => socket.once('connect', resolve));
  const pipe = new ReportPipe({ clock: systemClock, metrics: silentMetrics });
  pipe.connect(socket);
  const stream = new AccessLogReceiver((report) => pipe.take(report), silentMetrics).open({
    nodeOf: () => 'm/shop/front/front-1',
  });
  const bytes = logMessage(Array.from({ length: PER_MESSAGE }, (_, i) => entry(i, 200)));
  const before = cpuMs();
  for (let n = 0; n < RECORDS / PER_MESSAGE; n++) {
    stream.message(bytes);
    if (n % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await new Promise<void>((resolve) => void socket.end(resolve));
  line(`control plane, ${bytes.length / PER_MESSAGE} bytes a record`, cpuMs() - before);
  server.close();
}

for (const failing of [0, 10, 100]) collect(failing);
await receive();
