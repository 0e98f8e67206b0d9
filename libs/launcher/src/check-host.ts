import { lookup } from 'node:dns/promises';
import { networkInterfaces } from 'node:os';
import type { NamedPorts } from './control-plane-client.js';
import { canListen } from './free-port.js';
import { type ListeningSocket, listeningSockets, readIfThere } from './proc-net.js';
import { errorText } from './run-command.js';

export interface CheckHostOptions {
  /** Where the sidecar will listen for other hosts. */
  readonly bind: NamedPorts;
  /** Where the application listens or will listen. */
  readonly app: NamedPorts;
  /** Default 127.0.0.1, no shared port. */
  readonly outbound?: { readonly address?: string; readonly httpPort?: number };
  readonly admin?: { readonly address: string; readonly port: number };
  /** Where Prometheus will read its statistics. */
  readonly metrics?: { readonly address: string; readonly port: number };
  /** Names of mesh services that the application calls, to see how they resolve here. */
  readonly meshHosts?: readonly string[];
  /** What the host says about itself; default: the real host. */
  readonly host?: HostFacts;
}

/** The parts of a host that are looked at. */
export interface HostFacts {
  /** Text of a file below /proc, `undefined` when there is none. */
  readFile(path: string): string | undefined;
  /** The process's effective user id; 0 is root. */
  readonly uid: number;
  canListen(address: string, port: number): Promise<boolean>;
  /** Addresses of a name. @throws when it does not resolve. */
  resolve(name: string): Promise<readonly string[]>;
  /** Addresses of the interfaces that other hosts may reach. */
  readonly externalAddresses: readonly string[];
}

/** One thing that was looked at. */
export interface HostFinding {
  /** Stable name: `privileged-port`, `ephemeral-range`, `wildcard-bind`, `loopback`, `name-resolution`, `around-sidecar`, `port-taken`. */
  readonly id: string;
  /** False: the sidecar will not work, or not as promised. */
  readonly ok: boolean;
  readonly message: string;
  /** What to do; empty when `ok`. */
  readonly fix: string;
}

const WILDCARDS = new Set(['0.0.0.0', '::']);
const PROC = '/proc/sys/net/ipv4';
const OK = { ok: true, fix: '' } as const;

/** Looks at what this host permits and says what to change before a sidecar starts here; changes nothing itself. */
export async function checkHost(options: CheckHostOptions): Promise<HostFinding[]> {
  const host = options.host ?? realHost();
  const ours = wanted(options);
  const sockets = listeningSockets((path) => host.readFile(path));
  return [
    ...privilegedPorts(host, ours),
    ...ephemeralRange(host, ours),
    ...wildcardBinds(sockets, options),
    ...(await loopback(host, options)),
    ...(await takenPorts(host, sockets, options)),
    ...(await nameResolution(host, options)),
    ...aroundSidecar(host, sockets, options),
  ];
}

interface WantedPort {
  readonly what: string;
  readonly address: string;
  readonly port: number;
}

/** Everything that Envoy will listen on, as far as it is known before the start. */
function wanted({ bind, outbound = {}, admin, metrics }: CheckHostOptions): WantedPort[] {
  const ports: WantedPort[] = Object.entries(bind.ports).map(([name, port]) => ({
    what: `inbound port ${name}`,
    address: bind.address,
    port,
  }));
  if (outbound.httpPort)
    ports.push({ what: 'outbound HTTP port', address: outbound.address ?? '127.0.0.1', port: outbound.httpPort });
  if (admin) ports.push({ what: 'admin port', ...admin });
  if (metrics) ports.push({ what: 'metrics port', ...metrics });
  return ports;
}

function privilegedPorts(host: HostFacts, ports: readonly WantedPort[]): HostFinding[] {
  const first = Number(host.readFile(`${PROC}/ip_unprivileged_port_start`)?.trim() ?? 1024);
  const low = ports.filter(({ port }) => port < first);
  const id = 'privileged-port';
  if (low.length === 0) return [{ ...OK, id, message: `all ports are free to everybody (from ${first} up)` }];
  if (host.uid === 0) return [{ ...OK, id, message: `ports below ${first} are used; this user may bind them` }];
  return low.map(({ what, port }) => ({
    id,
    ok: false,
    message: `${what} ${port} is below ${first}: this user may not listen there`,
    fix: `choose a port from ${first} up, or as root: setcap cap_net_bind_service=+ep ENVOY, or sysctl net.ipv4.ip_unprivileged_port_start=${port}`,
  }));
}

function ephemeralRange(host: HostFacts, ports: readonly WantedPort[]): HostFinding[] {
  const [low = 32_768, high = 60_999] =
    host.readFile(`${PROC}/ip_local_port_range`)?.trim().split(/\s+/).map(Number) ?? [];
  const reserved = parseRanges(host.readFile(`${PROC}/ip_local_reserved_ports`) ?? '');
  const id = 'ephemeral-range';
  const clashes = ports.filter(
    ({ port }) => port >= low && port <= high && !reserved.some(([a, b]) => port >= a && port <= b),
  );
  if (clashes.length === 0)
    return [{ ...OK, id, message: `no port lies in the range of outgoing connections (${low}-${high})` }];
  return clashes.map(({ what, port }) => ({
    id,
    ok: false,
    message: `${what} ${port} lies in ${low}-${high}: an outgoing connection may hold it when Envoy starts`,
    fix: `choose a port below ${low}, or as root: sysctl net.ipv4.ip_local_reserved_ports=${port}`,
  }));
}

/** `8080,9000-9010` as pairs. */
function parseRanges(text: string): [number, number][] {
  return text
    .trim()
    .split(',')
    .filter(Boolean)
    .map((part) => {
      const [from = 0, to] = part.split('-').map(Number);
      return [from, to ?? from];
    });
}

/** An application on every address holds the port that its sidecar needs on the host's address. */
function wildcardBinds(sockets: readonly ListeningSocket[], { bind, app }: CheckHostOptions): HostFinding[] {
  const id = 'wildcard-bind';
  const ports = new Set([...Object.values(app.ports), ...Object.values(bind.ports)]);
  const wild = sockets.filter(({ address, port }) => WILDCARDS.has(address) && ports.has(port));
  if (wild.length === 0) return [{ ...OK, id, message: 'no application listens on every address with these ports' }];
  return wild.map(({ address, port }) => ({
    id,
    ok: false,
    message: `something listens on ${address}:${port}, that is on every address: the sidecar cannot have ${bind.address}:${port}, and other hosts reach the application without it`,
    fix: `make the application listen on ${app.address}:${port} only`,
  }));
}

async function loopback(host: HostFacts, { app, outbound = {} }: CheckHostOptions): Promise<HostFinding[]> {
  const addresses = [...new Set([app.address, outbound.address ?? '127.0.0.1'])].filter((a) => a.startsWith('127.'));
  const findings: HostFinding[] = [];
  for (const address of addresses) {
    const usable = await host.canListen(address, 0).catch(() => false);
    const id = 'loopback';
    if (usable) findings.push({ ...OK, id, message: `${address} can be listened on` });
    else
      findings.push({
        id,
        ok: false,
        message: `${address} cannot be listened on`,
        fix: `ip addr add ${address}/8 dev lo (macOS: ifconfig lo0 alias ${address})`,
      });
  }
  return findings;
}

async function takenPorts(
  host: HostFacts,
  sockets: readonly ListeningSocket[],
  options: CheckHostOptions,
): Promise<HostFinding[]> {
  const findings: HostFinding[] = [];
  const { app } = options;
  for (const { what, address, port } of wanted(options)) {
    if (address === app.address && Object.values(app.ports).includes(port)) {
      findings.push({
        id: 'port-taken',
        ok: false,
        message: `${what} ${address}:${port} is where the application listens`,
        fix: 'give the sidecar an address of its own (--bind) or the application another port (--app-port)',
      });
      continue;
    }
    const wild = sockets.some((s) => WILDCARDS.has(s.address) && s.port === port);
    const taken = !wild && sockets.some((s) => s.address === address && s.port === port);
    const unusable = !taken && (await host.canListen(address, 0).then(() => false, errorText));
    if (taken)
      findings.push({
        id: 'port-taken',
        ok: false,
        message: `${what} ${address}:${port} is in use`,
        fix: 'end what listens there (an older sidecar?) or choose another port',
      });
    if (unusable)
      findings.push({
        id: 'port-taken',
        ok: false,
        message: `${what}: ${unusable}`,
        fix: `${address} must be an address of this machine`,
      });
  }
  return findings.length > 0
    ? findings
    : [{ ...OK, id: 'port-taken', message: 'all ports that the sidecar needs are free' }];
}

async function nameResolution(
  host: HostFacts,
  { meshHosts = [], outbound = {} }: CheckHostOptions,
): Promise<HostFinding[]> {
  const id = 'name-resolution';
  const proxy = `${outbound.address ?? '127.0.0.1'}:${outbound.httpPort ?? 'PORT'}`;
  const findings: HostFinding[] = [];
  for (const name of meshHosts) {
    const addresses = await host.resolve(name).catch(() => []);
    const [first] = addresses;
    if (first === undefined) {
      findings.push({
        ...OK,
        id,
        message: `${name} does not resolve here, which is usual: plain HTTP finds it by http_proxy=http://${proxy}, anything else by the sidecar's listener or a line in /etc/hosts`,
      });
    } else if (addresses.every((a) => a.startsWith('127.'))) {
      findings.push({ ...OK, id, message: `${name} resolves to ${addresses.join(', ')}: the sidecar's listener` });
    } else {
      findings.push({
        id,
        ok: false,
        message: `${name} resolves to ${addresses.join(', ')}: calls that do not use http_proxy go there, past the sidecar`,
        fix: `set http_proxy (heddle proxy env), or map ${name} to the sidecar's listener in /etc/hosts`,
      });
    }
  }
  return findings;
}

/** Loopback is the trust boundary: whoever is on this host reaches the application directly, other hosts must not. */
function aroundSidecar(
  host: HostFacts,
  sockets: readonly ListeningSocket[],
  { app, bind }: CheckHostOptions,
): HostFinding[] {
  const id = 'around-sidecar';
  const external = new Set([...host.externalAddresses, ...WILDCARDS]);
  const appPorts = new Set(Object.values(app.ports));
  const isSidecar = (s: ListeningSocket): boolean =>
    s.address === bind.address && Object.values(bind.ports).includes(s.port);
  const open = sockets.filter((s) => appPorts.has(s.port) && external.has(s.address) && !isSidecar(s));
  if (!app.address.startsWith('127.') && app.address !== '::1') {
    open.push(
      ...[...appPorts]
        .map((port) => ({ address: app.address, port }))
        .filter((s) => !open.some((o) => o.port === s.port)),
    );
  }
  if (open.length === 0) {
    return [
      {
        ...OK,
        id,
        message: `other hosts cannot reach the application around its sidecar; processes of this host can, at ${app.address}`,
      },
    ];
  }
  return open.map(({ address, port }) => ({
    id,
    ok: false,
    message: `other hosts can reach the application at ${address}:${port}, without mutual TLS and without authorization`,
    fix: 'make the application listen on a loopback address, or close the port with a firewall',
  }));
}

function realHost(): HostFacts {
  const interfaces = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return {
    readFile: readIfThere,
    uid: process.geteuid?.() ?? -1,
    canListen,
    resolve: async (name) => (await lookup(name, { all: true })).map(({ address }) => address),
    externalAddresses: interfaces.filter(({ internal }) => !internal).map(({ address }) => address),
  };
}
