/**
 * `npm run bench:sidecar -- --seconds 120`: what telling of requests adds to a sidecar's latency. Three stock Envoys with the same
 * configuration call the same service in turns: one tells, two do not, and what these two differ by is the noise. Then, as fast as
 * it goes, what the requests of one that tells cost the control plane.
 */
import 'reflect-metadata';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { findEnvoy } from '#libs/launcher';
import { type MeshAccess, MeshSidecar, meshAccess } from '../../apps/demo/src/mesh-sidecar.js';
import { HTTP_PORT, OUTBOUND_HTTP_PORT } from '../../apps/demo/src/topology.js';
import { cpuOf } from './cpu.js';
import { collectorOf } from './family.js';
import { type Difference, differenceOf } from './paired.js';
import { type QuietXds, startQuietXds } from './quiet-xds.js';
import { Caller } from './requests.js';
import { quantile } from './row.js';
import { type BenchServer, startBenchServer } from './server.js';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '120' },
    /** Of the second part, and of the quiet time before it. */
    'load-seconds': { type: 'string', default: '30' },
  },
});

const WAYS = ['tells', 'quiet', 'quiet too'] as const;
type Way = (typeof WAYS)[number];
/** Requests of one way in one turn. */
const TURN = 300;
/** Connections of the second part. */
const AT_ONCE = 16;
/** Milliseconds between two reports of counters: the product's default. */
const REPORT_MS = 5_000;
/** What 1,000 requests a second may take of a core. Percent. */
const MUST_PERCENT = 15;
const PATIENCE_MS = 120_000;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const service = {
  apiVersion: 'heddle.dev/v1alpha1',
  kind: 'Service',
  metadata: { name: 'back', namespace: 'shop' },
  spec: { ports: [{ name: 'http', port: HTTP_PORT, protocol: 'http' }] },
};

/** @param index for its addresses */
async function joined(workload: string, index: number, access: MeshAccess, reportIntervalMs: number) {
  const sidecar = new MeshSidecar(
    {
      ...{ name: `${workload}-1`, workload, labels: { app: workload }, ports: { http: HTTP_PORT } },
      ...{ bind: `127.0.46.${index}`, app: `127.0.36.${index}`, outbound: `127.${180 + index}.0.1` },
      ...{ maxRegexProgram: 1000, reportIntervalMs },
    },
    access,
  );
  await sidecar.register();
  await sidecar.start();
  return sidecar;
}

/** Asks until it is answered: an Envoy that is ready may learn of the service a moment later. */
async function callerOf(sidecar: MeshSidecar): Promise<Caller> {
  const at = { address: sidecar.plan.outbound, port: OUTBOUND_HTTP_PORT };
  for (const until = performance.now() + PATIENCE_MS; ; await pause(200)) {
    const caller = await Caller.open(at, 'back');
    try {
      await caller.ask();
      return caller;
    } catch (error) {
      caller.close();
      if (performance.now() > until) throw error;
    }
  }
}

interface Rig {
  readonly server: BenchServer;
  readonly sidecars: ReadonlyMap<Way, MeshSidecar>;
  stop(): Promise<void>;
}

async function started(dir: string): Promise<Rig> {
  const ended: (() => Promise<unknown> | void)[] = [];
  const stop = async (): Promise<void> => {
    for (const end of ended.toReversed()) await end();
  };
  try {
    const server = await startBenchServer(join(dir, 'data'));
    ended.push(() => server.stop());
    await server.request('POST', '/api/v1/meshes/default/apply', { manifests: [service] });
    const { path: envoy } = await findEnvoy({ version: '1.40.0' });
    const access = await meshAccess({ request: (...of) => server.request(...of) }, { dir, envoy });
    const quiet: QuietXds = await startQuietXds(access.xds, access.caPem);
    ended.push(() => quiet.stop());
    const application = new Worker(new URL('./answering.js', import.meta.url), {
      workerData: { address: '127.0.36.1', port: HTTP_PORT },
    });
    ended.push(() => application.terminate());
    await new Promise((resolve) => application.once('message', resolve));
    const join_ = async (workload: string, index: number, as: MeshAccess, reportMs: number): Promise<MeshSidecar> => {
      const sidecar = await joined(workload, index, as, reportMs);
      ended.push(() => sidecar.stop());
      return sidecar;
    };
    await join_('back', 1, access, REPORT_MS);
    const untold = { ...access, xds: quiet.xds, caPem: quiet.caPem };
    const sidecars = new Map<Way, MeshSidecar>([
      ['tells', await join_('front-a', 2, access, REPORT_MS)],
      ['quiet', await join_('front-b', 3, untold, 0)],
      ['quiet too', await join_('front-c', 4, untold, 0)],
    ]);
    return { server, sidecars, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

type Turns = ReadonlyMap<Way, number[][]>;

async function inTurns({ sidecars }: Rig, seconds: number): Promise<Turns> {
  const callers = new Map<Way, Caller>();
  for (const [way, sidecar] of sidecars) callers.set(way, await callerOf(sidecar));
  const turns = new Map<Way, number[][]>(WAYS.map((way) => [way, []]));
  const until = performance.now() + seconds * 1000;
  for (let round = 0; performance.now() < until || round < WAYS.length; round += 1) {
    // Who comes first changes, so that what grows or falls with time harms nobody.
    for (let i = 0; i < WAYS.length; i += 1) {
      const way = WAYS[(i + round) % WAYS.length] ?? 'tells';
      const caller = callers.get(way);
      const times: number[] = [];
      for (let n = 0; caller && n < TURN; n += 1) times.push(await caller.ask());
      // The first round fills what is empty in the beginning.
      if (round > 0) turns.get(way)?.push(times);
    }
  }
  for (const caller of callers.values()) caller.close();
  return turns;
}

const span = ({ median, from, to }: Difference): string =>
  `${median >= 0 ? '+' : ''}${median.toFixed(3)} ms, 95 %: ${from.toFixed(3)} to ${to.toFixed(3)}`;

function difference(turns: Turns, of: readonly [Way, Way], q: number): Difference {
  const [a = [], b = []] = of.map((way) => (turns.get(way) ?? []).map((times) => quantile(times, q)));
  return differenceOf(a.map((value, i) => [value, b[i] ?? value]));
}

/** @returns whether what telling adds to p99 is within what two that do not tell differ by */
function told(turns: Turns): boolean {
  say(`${''.padEnd(12)}${'requests'.padStart(10)}${'p50 ms'.padStart(10)}${'p99 ms'.padStart(10)}`);
  for (const [way, each] of turns) {
    const all = each.flat();
    const columns = [String(all.length), quantile(all, 0.5).toFixed(3), quantile(all, 0.99).toFixed(3)];
    say(`${way.padEnd(12)}${columns.map((text) => text.padStart(10)).join('')}`);
  }
  for (const q of [0.5, 0.99]) {
    say(`p${q * 100}: telling adds ${span(difference(turns, ['tells', 'quiet'], q))}`);
    say(`     two quiet ones: ${span(difference(turns, ['quiet too', 'quiet'], q))}`);
  }
  const [added, noise] = [difference(turns, ['tells', 'quiet'], 0.99), difference(turns, ['quiet too', 'quiet'], 0.99)];
  const width = Math.max(Math.abs(noise.from), Math.abs(noise.to));
  return added.from <= 0 || added.median <= width;
}

/** What the requests of one sidecar that tells, and of the one that serves them, cost the control plane. Percent of a core. */
async function cost({ server, sidecars }: Rig, seconds: number): Promise<number> {
  const collector = collectorOf(server.pid);
  const teller = sidecars.get('tells');
  if (collector === undefined || !teller) throw new Error('there is no collector');
  const used = (): number => server.cpuMs() + cpuOf(collector);
  // What the turns before have left to do is done.
  await pause(10_000);
  const [idleFrom, idleBegan] = [used(), performance.now()];
  await pause(seconds * 1000);
  const idle = (used() - idleFrom) / (performance.now() - idleBegan);
  const [from, began] = [used(), performance.now()];
  let requests = 0;
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      const caller = await callerOf(teller);
      for (; performance.now() < began + seconds * 1000; requests += 1) await caller.ask();
      caller.close();
    }),
  );
  // The last bucket ends, and is written.
  await pause(17_000);
  const elapsed = performance.now() - began;
  const perRequest = (used() - from - idle * elapsed) / requests;
  say(
    `${requests} requests in ${seconds} s; control plane and collector: ${(perRequest * 1000).toFixed(2)} ms of CPU for 1,000, `,
  );
  const percent = idle * 100 + perRequest * 100;
  say(
    `idle ${(idle * 100).toFixed(2)} % of a core, with 1,000 requests a second ${percent.toFixed(1)} %   must ${MUST_PERCENT}`,
  );
  return percent;
}

const dir = mkdtempSync(join(tmpdir(), 'heddle-bench-sidecar-'));
chmodSync(dir, 0o711); // as root, Postgres runs as another user, who has to pass through
mkdirSync(join(dir, 'data'));
const rig = await started(dir);
try {
  const isWithinNoise = told(await inTurns(rig, Number(values.seconds)));
  if (!isWithinNoise) say('MISSED: p99 is beyond the noise');
  const percent = await cost(rig, Number(values['load-seconds']));
  if (!isWithinNoise || percent > MUST_PERCENT) process.exitCode = 1;
} finally {
  await rig.stop();
  rmSync(dir, { recursive: true, force: true });
}
