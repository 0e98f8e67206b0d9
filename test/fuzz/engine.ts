import { closeSync, openSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { contentHash, type Labels, type Log, type Metrics, systemClock } from '#libs/kernel';
import { Denied, Stage, type TlsMaterial, XdsServer } from '#libs/xds';
import { type Command, type EngineOptions, type Figures, resourcesOf } from './engine-protocol.js';

// An engine in a process of its own, so that its memory, its event loop and its end can be seen from outside. Options
// come in the environment, commands over the channel; the port goes out over it. A token is the name of a principal.

const options = JSON.parse(process.env['ENGINE'] ?? '{}') as EngineOptions;
const counts: Record<string, number> = {};
const metrics: Metrics = {
  count: (name, labels: Labels = {}, by = 1) => {
    const key = [name, ...Object.values(labels)].join(' ');
    counts[key] = (counts[key] ?? 0) + by;
  },
  gauge: (name, value, labels: Labels = {}) => {
    counts[[name, ...Object.values(labels)].join(' ')] = value;
  },
  observe: () => {},
};
const warned: string[] = [];
const note = (message: string, fields?: object): void => void warned.push(JSON.stringify([message, fields]));
const log: Log = { debug: () => {}, info: () => {}, warn: note, error: note, child: () => log };

const server = new XdsServer({
  gatekeeper: {
    authenticate: (metadata) => {
      const id = metadata.get('authorization')?.replace('Bearer ', '') ?? '';
      return id === '' || id === 'bad'
        ? Promise.reject(new Denied('UNAUTHENTICATED', 'a token is needed'))
        : Promise.resolve({ id, expiresAt: Number.MAX_SAFE_INTEGER, claims: undefined });
    },
    admit: () => Promise.resolve(Stage.EVERYBODY),
  },
  limits: options.limits ?? {},
  ...{ clock: systemClock, log, metrics },
});
const stage = new Stage(server);
const delay = monitorEventLoopDelay({ resolution: 5 });
if (options.lag !== false) delay.enable();

function publish(mark: number): number {
  for (const { type, name, bytes } of resourcesOf(options.size, mark)) {
    stage.set(type, name, bytes, { version: contentHash(bytes) });
  }
  return stage.commit();
}

function figures(): Figures {
  globalThis.gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  const [p99, max] = [delay.percentile(99), delay.max].map((ns) => ns / 1e6);
  const { user, system } = process.cpuUsage();
  return {
    counters: server.counters(),
    counts: { ...counts },
    lagMs: { p99: p99 ?? 0, max: max ?? 0 },
    cpuMs: (user + system) / 1000,
    memory: { rss, heapUsed, external },
    warned: [...warned],
  };
}

const held: number[] = [];

async function obey(command: Command): Promise<unknown> {
  if (command.do === 'publish') return publish(command.mark);
  if (command.do === 'progress') return server.progress(command.change);
  if (command.do === 'take files') return takeFiles(command.leave);
  if (command.do === 'stop') await server.stop({ graceMs: command.graceMs });
  if (command.do === 'forget lag') delay.reset();
  if (command.do === 'give files back') for (const file of held.splice(0)) closeSync(file);
  return figures();
}

/** Opens files until no more can be opened but for so many. @returns how many */
function takeFiles(leave: number): number {
  try {
    for (;;) held.push(openSync('/dev/null', 'r'));
  } catch {
    for (const file of held.splice(Math.max(0, held.length - leave))) closeSync(file);
    return held.length;
  }
}

process.on('message', (command: Command) => void obey(command).then((answer) => process.send?.({ answer })));
process.on('disconnect', () => process.exit(0));
process.on('SIGTERM', () => {
  void server.stop({ graceMs: options.graceMs ?? 0 }).then(() => process.exit(0));
});

publish(options.mark ?? 0);
const tls: TlsMaterial | 'plaintext' = options.tls ?? 'plaintext';
const port = await server.start({ host: '127.0.0.1', port: options.port ?? 0, tls });
process.send?.({ answer: port });
