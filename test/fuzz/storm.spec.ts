import 'reflect-metadata';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import { selfSigned } from '../self-signed.js';
import { Crowd } from './crowd.js';
import { EngineProcess } from './engine-process.js';
import { everything, type Figures, type Size } from './engine-protocol.js';

/** STORM=long: as many clients as a mass reconnect is about. */
const LONG = process.env['STORM'] === 'long';
/** A tenth of what sidecars have: more, and the clients would be what is measured. */
const SIZE: Size = { clusters: 20, endpoints: 20, listeners: 5, routes: 5, bytes: 400 };
const RESOURCES = SIZE.clusters + SIZE.endpoints + SIZE.listeners + SIZE.routes;
/** The clients of this test share one core: some have much to do before they say their first word. */
const PATIENT = { maxConnections: 5_000, handshakeMs: 600_000, unauthenticatedMs: 600_000, firstMessageMs: 600_000 };
/** How late the event loop of the server may be for one turn of a hundred, on a machine that has a core for it. */
const LAG_MS = 200;

let engine: EngineProcess | undefined;
afterEach(async () => {
  await engine?.end();
  engine = undefined;
});

/** SYNs that this machine has lost so far because a listening socket was full; `undefined` where it does not say. */
function lostSyns(): { readonly overflows: number; readonly drops: number } | undefined {
  const file = '/proc/net/netstat';
  if (!existsSync(file)) return undefined;
  const [names = [], values = []] = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('TcpExt:'))
    .map((line) => line.split(' '));
  const of = (name: string): number => Number(values[names.indexOf(name)]);
  return { overflows: of('ListenOverflows'), drops: of('ListenDrops') };
}

/** How late a process that does nothing is at the same time: what of the lag is the machine's. */
function idleLag(): { stop(): Promise<number> } {
  const program = `const d = require('node:perf_hooks').monitorEventLoopDelay({ resolution: 5 }); d.enable();
    process.on('message', () => process.send(d.percentile(99) / 1e6, () => process.exit(0)));`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  return {
    async stop() {
      const answered = once(child, 'message') as Promise<[number]>;
      child.send('stop');
      return (await answered)[0];
    },
  };
}

const count = ({ counts }: Figures, gate: string, how: string): number =>
  counts[`xds_admissions_total ${gate} ${how}`] ?? 0;

it.each([
  { how: 'TLS', clients: LONG ? 1_000 : 200 },
  { how: 'plain', clients: LONG ? 2_000 : 400 },
])(
  'REL-12 NET-3 $clients clients come back at once to a new process ($how): all are served, no SYN is lost',
  async ({ how, clients }) => {
    const certificate = await selfSigned([{ type: 'dns', value: 'localhost' }]);
    const tls = how === 'TLS' ? { tls: { keyPem: certificate.key, certPem: certificate.certificate } } : {};
    const options = { size: SIZE, limits: PATIENT, ...tls };
    engine = await EngineProcess.start(options);
    const { address, port } = engine;
    const crowd = new Crowd({
      ...{ count: clients, address, size: SIZE },
      ...(how === 'TLS' ? { caPem: certificate.certificate } : {}),
    });
    await crowd.join(0);
    await engine.end('SIGKILL');
    // Everything has changed meanwhile.
    engine = await EngineProcess.start({ ...options, mark: 1, port });
    await engine.ask({ do: 'forget lag' });
    const before = lostSyns();
    const machine = idleLag();
    const began = performance.now();
    await crowd.comeBack(1);
    const tookMs = performance.now() - began;
    const machineLagMs = await machine.stop();
    const figures = await engine.figures();
    const { counters, lagMs } = figures;
    const refused = count(figures, 'handshake', 'refused') + count(figures, 'stream', 'refused');
    const queued = count(figures, 'handshake', 'queued') + count(figures, 'stream', 'queued');
    process.stdout.write(
      `${clients} ${how} clients: ${Math.round(tookMs)} ms, ${queued} waited, ${refused} refused, lag p99 ${lagMs.p99.toFixed(0)} ms, max ${lagMs.max.toFixed(0)} ms (an idle process: ${machineLagMs.toFixed(0)} ms), CPU ${(figures.cpuMs / clients).toFixed(2)} ms each\n`,
    );
    expect(lostSyns()).toEqual(before);
    // One encode for each resource whoever comes, one body for each set that clients can lack.
    expect(counters.encodes).toBe(RESOURCES);
    expect(counters.frameMisses).toBeLessThanOrEqual(everything(SIZE).length + SIZE.routes);
    expect(counters.frameHits + counters.frameMisses).toBe(counters.responses);
    // Who was refused has come again, until he was let in: everybody was, and was served (`comeBack`).
    expect(count(figures, 'stream', 'at_once') + count(figures, 'stream', 'queued')).toBeGreaterThanOrEqual(clients);
    expect(queued).toBeGreaterThan(0);
    if (refused > 0) expect(crowd.cameAgain).toBeGreaterThan(0);
    expect(figures.warned).toEqual([]);
    expect(lagMs.p99).toBeLessThan(LAG_MS + 4 * machineLagMs);
    crowd.leave();
  },
);
