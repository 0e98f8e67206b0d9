/** A replica of docker-compose.yml: its addresses there must be these. */
export interface ComposeReplica {
  readonly name: string;
  readonly service: string;
  readonly workload: string;
  readonly version: string;
  /** Of the network that application and sidecar share. */
  readonly address: string;
  /** Where the application listens for HTTP. */
  readonly appPort: number;
}

/** Where Prometheus reads the statistics of each sidecar, at the replica's address. */
export const METRICS_PORT = 9102;
const APP_PORT = 8080;
/** The web application is published to the host, beside its sidecar's port. */
const WEB_PORT = 18_080;

const replica = (name: string, version: string, address: string): ComposeReplica => {
  const workload = name.slice(0, name.lastIndexOf('-'));
  const service = workload.split('-')[0] ?? '';
  return { name, service, workload, version, address, appPort: service === 'web' ? WEB_PORT : APP_PORT };
};

export const COMPOSE_REPLICAS: readonly ComposeReplica[] = [
  replica('web-1', 'v1', '10.77.0.11'),
  replica('catalog-1', 'v1', '10.77.0.12'),
  replica('catalog-2', 'v1', '10.77.0.13'),
  replica('payments-1', 'v1', '10.77.0.14'),
  replica('orders-blue-1', 'blue', '10.77.0.15'),
  replica('orders-green-1', 'green', '10.77.0.16'),
];
