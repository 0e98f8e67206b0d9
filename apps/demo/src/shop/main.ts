import { parseArgs } from 'node:util';
import { splitHostPort } from './outbound.js';
import { ShopService, type ShopServiceOptions } from './service.js';

const USAGE = `usage: main.js --service web|orders|catalog|payments --instance NAME --http-port PORT --outbound HOST:PORT
  [--version blue|green|...]  what the answers say, default v1
  [--address ADDRESS]         where to listen, default 127.0.0.1
  [--grpc-port PORT]          also listen for gRPC (payments)
  [--grpc-target HOST:PORT]   where the sidecar listens for gRPC to payments (orders)
  [--grpc-authority NAME]     payments:9090, when that is the sidecar's shared HTTP port`;

const SERVICES = ['web', 'orders', 'catalog', 'payments'] as const;
/** How long running requests may take after SIGTERM. */
const STOP_GRACE_MS = 30_000;

function readOptions(): ShopServiceOptions {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: {
      service: text,
      version: text,
      instance: text,
      address: text,
      outbound: text,
      'http-port': text,
      'grpc-port': text,
      'grpc-target': text,
      'grpc-authority': text,
    },
  });
  const service = SERVICES.find((name) => name === values.service);
  const { instance, outbound, version = 'v1', address = '127.0.0.1' } = values;
  if (!service || !instance || !outbound || !values['http-port']) throw new Error('a required flag is missing');
  splitHostPort(outbound);
  return {
    service,
    version,
    instance,
    address,
    outbound,
    httpPort: port(values['http-port']),
    ...(values['grpc-port'] !== undefined && { grpcPort: port(values['grpc-port']) }),
    ...(values['grpc-target'] !== undefined && { grpcTarget: values['grpc-target'] }),
    ...(values['grpc-authority'] !== undefined && { grpcAuthority: values['grpc-authority'] }),
  };
}

function port(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 65_535) throw new Error(`${text} is no port`);
  return value;
}

async function main(): Promise<void> {
  let service: ShopService;
  try {
    service = new ShopService(readOptions());
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    process.exitCode = 2;
    return;
  }
  await service.start();
  const stop = (): void => {
    setTimeout(() => process.exit(1), STOP_GRACE_MS).unref();
    void service.stop().then(() => process.exit(0));
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  console.log(`listening http=${service.httpPort} grpc=${service.grpcPort}`);
}

await main();
