import type { Command } from 'commander';
import { type InstanceRegistration, METRICS_DETAILS, type SocketAddress } from '#libs/launcher';
import { CliError, EXIT } from './exit-codes.js';
import { PORT, PORT_OR_NONE, REPORT_SECONDS, wholeNumber } from './numbers.js';

export interface ProxyFlags {
  readonly workload: string;
  readonly instance?: string;
  readonly bind: string;
  readonly port: readonly string[];
  readonly appAddress: string;
  readonly appPort?: readonly string[];
  readonly outbound: string;
  readonly label?: readonly string[];
  readonly adminPort: string;
  readonly metricsPort: string;
  readonly metricsAddress?: string;
  readonly dir?: string;
}

/** Flags that say what runs here and where its sidecar listens. */
export function proxyFlags(command: Command): Command {
  return command
    .requiredOption('--workload <name>', 'what runs here: its identity, for example orders-blue')
    .option('--instance <name>', 'this copy of it (default: <workload>-1)')
    .option('--bind <address>', 'address where the sidecar takes calls from other sidecars', '127.0.0.1')
    .option('--port <name=number...>', 'ports of the workload, where the sidecar listens', ['http=8080'])
    .option('--app-address <address>', 'where the application listens: loopback', '127.0.0.1')
    .option('--app-port <name=number...>', 'ports of the application (default: the same)')
    .option('--outbound <address:port>', 'where the application finds the mesh', '127.100.0.1:15001')
    .option('--label <key=value...>', 'labels of the instance, within what the token grants')
    .option('--admin-port <port>', "Envoy's own interface, on loopback only", '9901')
    .option('--metrics-port <port>', 'where Prometheus may read its statistics, in plaintext; 0 = nowhere', '0')
    .option('--metrics-address <address>', 'address of that port (default: that of --bind)');
}

export function instanceName(flags: ProxyFlags): string {
  return flags.instance ?? `${flags.workload}-1`;
}

export function registration(flags: ProxyFlags): InstanceRegistration {
  const ports = numbers('--port', flags.port);
  const outbound = hostPort('--outbound', flags.outbound);
  return {
    workload: flags.workload,
    ...(flags.label ? { labels: pairs('--label', flags.label) } : {}),
    bind: { address: flags.bind, ports },
    app: { address: flags.appAddress, ports: flags.appPort ? numbers('--app-port', flags.appPort) : ports },
    outbound: { address: outbound.address, httpPort: outbound.port },
    ...registeredMetrics(flags),
  };
}

/** What is reached at another address than callers dial is registered with it. */
function registeredMetrics(flags: ProxyFlags): Pick<InstanceRegistration, 'metrics'> {
  const port = metricsPort(flags);
  if (port === 0) return {};
  const { metricsAddress: address } = flags;
  return { metrics: { port, details: METRICS_DETAILS, ...(address === undefined ? {} : { address }) } };
}

const metricsPort = (flags: ProxyFlags): number => wholeNumber('--metrics-port', flags.metricsPort, PORT_OR_NONE);

/** Where its Envoy listens for Prometheus; undefined = nowhere. */
export function metricsListener(flags: ProxyFlags): SocketAddress | undefined {
  const port = metricsPort(flags);
  return port === 0 ? undefined : { address: flags.metricsAddress ?? flags.bind, port };
}

/** Envoy's own interface: on loopback, since whoever reaches it can stop Envoy. */
export const adminAddress = (flags: ProxyFlags): { readonly address: string; readonly port: number } => ({
  address: '127.0.0.1',
  port: wholeNumber('--admin-port', flags.adminPort, PORT),
});

export interface StatisticsFlags {
  readonly reportInterval?: string;
  readonly stats?: readonly string[];
}

export function statisticsFlags(command: Command): Command {
  return command
    .option('--report-interval <seconds>', 'how often it reports its request counts: 1 to 300, 0 = never (default: 5)')
    .option('--stats <prefix...>', "further statistics for Envoy to keep, for example 'cluster.' (default: few)");
}

/** What its Envoy counts, and how often it tells. */
export function statistics({ reportInterval, stats }: StatisticsFlags): {
  readonly reportIntervalMs?: number;
  readonly extraStats?: readonly string[];
} {
  const seconds =
    reportInterval === undefined ? undefined : wholeNumber('--report-interval', reportInterval, REPORT_SECONDS);
  return {
    ...(seconds === undefined ? {} : { reportIntervalMs: seconds * 1_000 }),
    ...(stats === undefined ? {} : { extraStats: stats }),
  };
}

/**
 * Refuses what no control plane should be asked for; `heddle proxy check` reports it instead.
 * @throws CliError that says which flags to give
 */
export function requireUsable({ bind, app }: InstanceRegistration): void {
  if (!app.address.startsWith('127.') && app.address !== '::1') {
    throw new CliError(`--app-address ${app.address}: it must be a loopback address`, EXIT.usage, [
      'whoever reaches the application at another one passes by its sidecar: no mutual TLS, no authorization',
    ]);
  }
  const ports = new Set(Object.values(app.ports));
  const shared = Object.values(bind.ports).find((port) => bind.address === app.address && ports.has(port));
  if (shared === undefined) return;
  throw new CliError(`sidecar and application cannot both listen on ${bind.address}:${shared}`, EXIT.usage, [
    'give --bind ADDRESS, where other machines reach this one, or --app-port NAME=NUMBER, where the application listens',
  ]);
}

export function hostPort(flag: string, text: string): { readonly address: string; readonly port: number } {
  const colon = text.lastIndexOf(':');
  if (colon <= 0) throw new CliError(`${flag} ${text}: write ADDRESS:PORT`, EXIT.usage);
  return { address: text.slice(0, colon), port: wholeNumber(flag, text.slice(colon + 1), PORT) };
}

function numbers(flag: string, values: readonly string[]): Record<string, number> {
  const entries = Object.entries(pairs(flag, values));
  return Object.fromEntries(entries.map(([name, value]) => [name, wholeNumber(`${flag} ${name}`, value, PORT)]));
}

export function pairs(flag: string, values: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    values.map((text) => {
      const at = text.indexOf('=');
      if (at <= 0) throw new CliError(`${flag} ${text}: write NAME=VALUE`, EXIT.usage);
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}
