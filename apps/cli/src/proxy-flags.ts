import type { Command } from 'commander';
import type { InstanceRegistration } from '#libs/launcher';
import { CliError, EXIT } from './exit-codes.js';

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
    .option('--admin-port <port>', "Envoy's own interface, on loopback only", '9901');
}

export function instanceName(flags: ProxyFlags): string {
  return flags.instance ?? `${flags.workload}-1`;
}

export function registration(flags: ProxyFlags): InstanceRegistration {
  const ports = numbers('--port', flags.port);
  const outbound = hostPort(flags.outbound);
  return {
    workload: flags.workload,
    ...(flags.label ? { labels: pairs('--label', flags.label) } : {}),
    bind: { address: flags.bind, ports },
    app: { address: flags.appAddress, ports: flags.appPort ? numbers('--app-port', flags.appPort) : ports },
    outbound: { address: outbound.address, httpPort: outbound.port },
  };
}

export function hostPort(text: string): { readonly address: string; readonly port: number } {
  const colon = text.lastIndexOf(':');
  const port = Number(text.slice(colon + 1));
  if (colon > 0 && Number.isInteger(port) && port > 0 && port < 65_536) return { address: text.slice(0, colon), port };
  throw new CliError(`${text}: write ADDRESS:PORT`, EXIT.usage);
}

function numbers(flag: string, values: readonly string[]): Record<string, number> {
  return Object.fromEntries(
    Object.entries(pairs(flag, values)).map(([name, value]) => {
      const port = Number(value);
      if (Number.isInteger(port) && port > 0 && port < 65_536) return [name, port];
      throw new CliError(`${flag} ${name}=${value}: a port is 1 to 65535`, EXIT.usage);
    }),
  );
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
