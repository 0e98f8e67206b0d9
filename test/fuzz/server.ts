import { TYPE } from '#libs/envoy-api';
import { silentLog, silentMetrics, systemClock } from '#libs/kernel';
import { Denied, Stage, XdsServer } from '#libs/xds';

// The engine alone in a process, so that its memory can be seen from outside: the port is printed, a signal ends it.
const server = new XdsServer({
  gatekeeper: {
    authenticate: (metadata) =>
      metadata.get('authorization') === 'Bearer good' || metadata.get('authorization') === 'Bearer bad'
        ? Promise.resolve({
            id: metadata.get('authorization') ?? '',
            expiresAt: Number.MAX_SAFE_INTEGER,
            // The attacker's streams are as many as he likes here: what is tested is what each of them can do.
            shared: true,
            claims: undefined,
          })
        : Promise.reject(new Denied('UNAUTHENTICATED', 'a token is needed')),
    admit: () => Promise.resolve(Stage.EVERYBODY),
  },
  limits: {
    ...{ openBurst: 1_000_000, opensPerSecond: 1_000_000, streamsPerPrincipal: 100_000, unauthenticatedMs: 2_000 },
    // Full within the first minute, so that it is not taken for a leak while it fills.
    frameCacheBytes: 256 * 1024,
  },
  ...{ clock: systemClock, log: silentLog, metrics: silentMetrics },
});
const stage = new Stage(server);
const port = await server.start({ host: '127.0.0.1', port: 0, tls: 'plaintext' });
process.stdout.write(`${port}\n`);

// Heap in bytes after a full collection, for who started this with --expose-gc and a channel.
process.on('message', () => {
  globalThis.gc?.();
  globalThis.gc?.();
  process.send?.(process.memoryUsage().heapUsed);
});

let content = 0;
setInterval(() => {
  stage.set(TYPE.endpoint, 'pulse', Buffer.from([0x0a, 1, 48 + (content++ % 10)]));
  stage.commit();
}, 100);
