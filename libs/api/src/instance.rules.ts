import { pointer, type Violation } from '#libs/kernel';
import type { InstanceSpec } from '#libs/model';

interface Socket {
  readonly path: string;
  readonly address: string;
  readonly port: number;
}

const WILDCARDS = new Set(['0.0.0.0', '::']);

const meet = (a: Socket, b: Socket): boolean =>
  a.port === b.port && (a.address === b.address || WILDCARDS.has(a.address) || WILDCARDS.has(b.address));

/** What the sidecar listens on. */
function sidecarSockets({ bind, outbound, advertised, metrics }: InstanceSpec): Socket[] {
  const inbound = Object.entries(bind.ports).map(([name, port]) => {
    return { path: pointer('bind', 'ports', name), address: bind.address, port };
  });
  const sockets = [...inbound, { path: '/outbound', address: outbound.address, port: outbound.httpPort }];
  if (metrics === undefined) return sockets;
  // What is reached at the advertised address listens where calls arrive.
  const address = metrics.address === advertised ? bind.address : metrics.address;
  return [...sockets, { path: '/metrics/port', address, port: metrics.port }];
}

/** Rules that an instance breaks by itself, whoever else is there. */
export function instanceViolations(spec: InstanceSpec): Violation[] {
  return [...portViolations(spec), ...addressViolations(spec), ...selfOverlaps(spec)];
}

function portViolations({ bind, app }: InstanceSpec): Violation[] {
  const unknown = Object.keys(bind.ports).filter((name) => !Object.hasOwn(app.ports, name));
  return unknown.map((name) => ({
    path: pointer('app', 'ports', name),
    code: 'missing-port',
    message: `the sidecar listens for port "${name}": say where the application listens for it`,
  }));
}

function addressViolations({ advertised, outbound, metrics }: InstanceSpec): Violation[] {
  const found: Violation[] = [];
  if (WILDCARDS.has(advertised)) {
    const message = 'callers cannot dial "every address": give the one that they can reach';
    found.push({ path: '/advertised', code: 'unreachable-address', message });
  }
  if (metrics && metrics.address !== advertised && WILDCARDS.has(metrics.address)) {
    const message = 'Prometheus cannot dial "every address": give the one that it can reach';
    found.push({ path: '/metrics/address', code: 'unreachable-address', message });
  }
  // Whoever reaches this listener speaks with the workload's identity.
  if (!isLoopback(outbound.address)) {
    const message = 'calls leave through this address with the identity of the workload: it must be a loopback address';
    found.push({ path: '/outbound/address', code: 'not-loopback', message });
  }
  return found;
}

const isLoopback = (address: string): boolean => address.startsWith('127.') || address === '::1';

function selfOverlaps(spec: InstanceSpec): Violation[] {
  const app = Object.entries(spec.app.ports).map(([name, port]) => {
    return { path: pointer('app', 'ports', name), address: spec.app.address, port };
  });
  const sidecar = sidecarSockets(spec);
  const found: Violation[] = [];
  for (const [i, socket] of sidecar.entries()) {
    const other = [...sidecar.slice(0, i), ...app].find((s) => meet(s, socket));
    if (other === undefined) continue;
    const message = `${socket.address}:${socket.port} is also ${other.path}: one of the two needs another address or port`;
    found.push({ path: socket.path, code: 'address-overlap', message });
  }
  return found;
}

/** Where the instance and another one of its host would both listen; undefined when they can live side by side. */
export function overlap(spec: InstanceSpec, other: InstanceSpec): Violation | undefined {
  if (spec.host !== other.host) return undefined;
  for (const socket of sidecarSockets(spec)) {
    if (!sidecarSockets(other).some((s) => meet(s, socket))) continue;
    return {
      path: socket.path,
      code: 'address-overlap',
      message:
        `${socket.address}:${socket.port} on host ${spec.host} belongs to instance ${other.namespace}/${other.name}: ` +
        'take another address or port',
    };
  }
  return undefined;
}
