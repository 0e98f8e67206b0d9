import 'reflect-metadata';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { silentLog, silentMetrics, systemClock } from '#libs/kernel';
import { Stage, type XdsCounters, XdsServer } from '#libs/xds';
import { selfSigned } from '../../self-signed.js';
import { stagePush, stageWorkload } from './workload.js';

/** What the bench asks of the server process. */
export type Order =
  | { readonly do: 'push'; readonly number: number }
  | { readonly do: 'tell when'; readonly requests: number }
  | { readonly do: 'state'; readonly collect: boolean };

/** What it is told. */
export interface EngineState {
  readonly counters: XdsCounters;
  readonly streams: number;
  /** User and system time of the process so far, all threads, in microseconds. */
  readonly cpuUs: number;
  readonly residentKb: number;
  /** Of the event loop since the last question, 99 of 100, in milliseconds. */
  readonly lagMs: number;
}

export interface Started {
  readonly port: number;
  readonly caPem: string;
}

/** The engine alone, with workload W, in a process of its own: `plain` or `tls`, then `http2` (default) or `grpc-js`. */
const secure = process.argv[2] === 'tls';
const server = new XdsServer({
  gatekeeper: {
    authenticate: async () => ({ id: 'bench', shared: true, expiresAt: Number.MAX_SAFE_INTEGER, claims: undefined }),
    admit: async () => Stage.EVERYBODY,
  },
  clock: systemClock,
  log: silentLog,
  transport: process.argv[3] === 'grpc-js' ? 'grpc-js' : 'http2',
  metrics: silentMetrics,
  limits: { idlePerAddress: 20_000, streamsPerSharedPrincipal: 20_000 },
});
const stage = new Stage(server);
stageWorkload(stage);
const { certificate, key } = await selfSigned([{ type: 'dns', value: 'localhost' }]);
const tls = secure ? { keyPem: key, certPem: certificate } : 'plaintext';
const port = await server.start({ host: '127.0.0.1', port: 0, tls });
const lag = monitorEventLoopDelay({ resolution: 5 });
lag.enable();

process.on('message', (order: Order) => {
  if (order.do === 'push') stagePush(stage, order.number);
  else if (order.do === 'state') process.send?.(state(order.collect));
  else tellWhen(order.requests);
});
process.on('disconnect', () => process.exit(0));
process.send?.({ port, caPem: certificate } satisfies Started);

/** Answers when so many requests have been taken: to be asked all the time would cost what is measured. */
function tellWhen(requests: number): void {
  if (server.counters().requests >= requests) process.send?.('done');
  else setTimeout(() => tellWhen(requests), 5);
}

function state(collect: boolean): EngineState {
  const { user, system } = process.cpuUsage();
  if (collect) for (let round = 0; round < 3; round++) globalThis.gc?.();
  const lagMs = lag.percentile(99) / 1e6;
  lag.reset();
  return {
    counters: server.counters(),
    streams: server.streamInfos().length,
    cpuUs: user + system,
    residentKb: process.memoryUsage.rss() / 1024,
    lagMs,
  };
}
