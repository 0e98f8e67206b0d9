/** Who runs in the demo, and where: every replica has its own loopback addresses, so that ports never clash. */
export interface ReplicaPlan {
  readonly name: string;
  readonly service: 'web' | 'catalog' | 'orders' | 'payments';
  readonly workload: string;
  readonly version: string;
  /** From 1; the last byte of the replica's loopback addresses. */
  readonly index: number;
  /** RE2 program size from which this sidecar's Envoy refuses a regular expression. */
  readonly maxRegexProgram: number;
  /** The machine that it says it runs on; in truth there is one. */
  readonly host: 'host-a' | 'host-b';
}

export const MESH = 'default';
export const NAMESPACE = 'shop';
export const HTTP_PORT = 8080;
export const GRPC_PORT = 9090;

/** @param name workload and number of the replica, `orders-blue-1` */
function plan(name: string, version: string, index: number): ReplicaPlan {
  const workload = name.slice(0, name.lastIndexOf('-'));
  const service = workload.split('-')[0] as ReplicaPlan['service'];
  const host = index % 2 === 0 ? 'host-b' : 'host-a';
  return { name, service, workload, version, index, host, maxRegexProgram: 400 };
}

/** The second web sidecar refuses large regular expressions: step 5 shows what a refusal does and does not do. */
export const REPLICAS: readonly ReplicaPlan[] = [
  plan('web-1', 'v1', 1),
  { ...plan('web-2', 'v1', 2), maxRegexProgram: 50 },
  plan('catalog-1', 'v1', 3),
  plan('catalog-2', 'v1', 4),
  plan('payments-1', 'v1', 5),
  plan('payments-2', 'v1', 6),
  plan('orders-blue-1', 'blue', 7),
  plan('orders-blue-2', 'blue', 8),
  plan('orders-green-1', 'green', 9),
  plan('orders-green-2', 'green', 10),
];

/** The replica that comes and goes in step 2. */
export const THIRD_CATALOG: ReplicaPlan = plan('catalog-3', 'v1', 11);

/** Address of the application; only its own sidecar calls it. */
export const appAddress = (replica: ReplicaPlan): string => `127.0.20.${replica.index}`;
/** Address where the sidecar takes mTLS from other sidecars. */
export const bindAddress = (replica: ReplicaPlan): string => `127.0.10.${replica.index}`;
/** First address of the sidecar's own /16 for outgoing calls. */
export const outboundAddress = (replica: ReplicaPlan): string => `127.${100 + replica.index}.0.1`;
export const OUTBOUND_HTTP_PORT = 15001;
