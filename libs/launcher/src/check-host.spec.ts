import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { type CheckHostOptions, checkHost, type HostFacts } from './check-host.js';
import { canListen, freePort } from './free-port.js';
import { listeningSockets } from './proc-net.js';
import { formatEnv, proxyEnv } from './proxy-env.js';

const HEADER = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
/** One line of /proc/net/tcp: address in hex as the kernel prints it, state 0A is LISTEN. */
const socket = (hex: string, port: number, state = '0A'): string =>
  `   0: ${hex}:${port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000 0 0 1 1\n`;

const HOST_IP = '0500000A'; // 10.0.0.5
const LOOPBACK = '0100007F';

function host(files: Record<string, string> = {}, change: Partial<HostFacts> = {}): HostFacts {
  const standard: Record<string, string> = {
    '/proc/sys/net/ipv4/ip_unprivileged_port_start': '1024\n',
    '/proc/sys/net/ipv4/ip_local_port_range': '32768\t60999\n',
    '/proc/net/tcp': HEADER,
  };
  return {
    readFile: (path) => ({ ...standard, ...files })[path],
    uid: 1000,
    canListen: () => Promise.resolve(true),
    resolve: () => Promise.reject(new Error('ENOTFOUND')),
    externalAddresses: ['10.0.0.5'],
    ...change,
  };
}

const plain: CheckHostOptions = {
  bind: { address: '10.0.0.5', ports: { http: 8080 } },
  app: { address: '127.0.0.1', ports: { http: 8080 } },
  outbound: { address: '127.0.0.1', httpPort: 15_001 },
  admin: { address: '127.0.0.1', port: 15_000 },
};

const bad = async (options: CheckHostOptions): Promise<string[]> => {
  const findings = await checkHost(options);
  for (const finding of findings) expect(finding.fix === '').toBe(finding.ok);
  return findings.filter(({ ok }) => !ok).map(({ id, message }) => `${id}: ${message}`);
};

describe('heddle proxy check', () => {
  it('has nothing to say against a usual host, and says what it looked at', async () => {
    const findings = await checkHost({ ...plain, host: host({ '/proc/net/tcp': HEADER + socket(LOOPBACK, 8080) }) });
    expect(findings.every(({ ok }) => ok)).toBe(true);
    const ids = ['privileged-port', 'ephemeral-range', 'wildcard-bind', 'loopback', 'port-taken', 'around-sidecar'];
    expect(findings.map(({ id }) => id)).toEqual(ids);
  });

  it('finds ports that this user may not bind, by what the kernel says', async () => {
    const low = { ...plain, bind: { address: '10.0.0.5', ports: { http: 80 } } };
    expect(await bad({ ...low, host: host() })).toEqual([
      'privileged-port: inbound port http 80 is below 1024: this user may not listen there',
    ]);
    expect(await bad({ ...low, host: host({ '/proc/sys/net/ipv4/ip_unprivileged_port_start': '80' }) })).toEqual([]);
    expect(await bad({ ...low, host: host({}, { uid: 0 }) })).toEqual([]);
  });

  it('finds ports that an outgoing connection may hold', async () => {
    const high = { ...plain, admin: { address: '127.0.0.1', port: 34_002 } };
    expect(await bad({ ...high, host: host() })).toEqual([
      expect.stringMatching(/^ephemeral-range: admin port 34002 lies in 32768-60999/),
    ]);
    expect(await bad({ ...high, host: host({ '/proc/sys/net/ipv4/ip_local_reserved_ports': '34000-34010' }) })).toEqual(
      [],
    );
  });

  it('finds an application on every address, which also lets other hosts reach it without the sidecar', async () => {
    for (const files of [
      { '/proc/net/tcp': HEADER + socket('00000000', 8080) },
      { '/proc/net/tcp6': HEADER + socket('0'.repeat(32), 8080) },
    ]) {
      const found = await bad({ ...plain, host: host(files) });
      expect(found.map((line) => line.split(':')[0])).toEqual(['wildcard-bind', 'around-sidecar']);
    }
  });

  it('finds an application that listens on an address other hosts can reach', async () => {
    const app = { address: '10.0.0.5', ports: { http: 9000 } };
    expect(await bad({ ...plain, app, host: host() })).toEqual([
      expect.stringMatching(/^around-sidecar: other hosts can reach the application at 10\.0\.0\.5:9000/),
    ]);
  });

  it('finds a port that somebody has already', async () => {
    const files = { '/proc/net/tcp': HEADER + socket(HOST_IP, 8080) + socket(LOOPBACK, 15_001, '01') };
    expect(await bad({ ...plain, host: host(files) })).toEqual([
      'port-taken: inbound port http 10.0.0.5:8080 is in use',
    ]);
  });

  it('finds that sidecar and application would share a socket, before either runs', async () => {
    const bind = { address: '127.0.0.1', ports: { http: 8080 } };
    expect(await bad({ ...plain, bind, host: host() })).toEqual([
      'port-taken: inbound port http 127.0.0.1:8080 is where the application listens',
    ]);
  });

  it('finds loopback addresses that this host does not have', async () => {
    const canListen = (address: string): Promise<boolean> => Promise.resolve(!address.startsWith('127.100.'));
    const outbound = { address: '127.100.0.7', httpPort: 15_001 };
    expect(await bad({ ...plain, outbound, host: host({}, { canListen }) })).toEqual([
      'loopback: 127.100.0.7 cannot be listened on',
    ]);
  });

  it('says how the names of the mesh resolve, and warns of those that lead past the sidecar', async () => {
    const addresses: Record<string, string[]> = { orders: ['127.100.0.1'], stray: ['192.0.2.7'] };
    const resolve = (name: string): Promise<string[]> => Promise.resolve(addresses[name] ?? []);
    const found = await bad({ ...plain, meshHosts: ['orders', 'catalog', 'stray'], host: host({}, { resolve }) });
    expect(found).toEqual([expect.stringMatching(/^name-resolution: stray resolves to 192\.0\.2\.7/)]);
  });

  it('sees the listening sockets of the real host', async () => {
    const port = await freePort();
    expect(port).toBeLessThan(32_768);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    expect(listeningSockets()).toContainEqual({ address: '127.0.0.1', port });
    expect(await canListen('127.0.0.1', port)).toBe(false);
    await new Promise((resolve) => server.close(resolve));
    await expect(canListen('192.0.2.1', 0)).rejects.toThrow(/cannot listen on 192\.0\.2\.1/);
  });
});

describe('heddle proxy env', () => {
  it('prints http_proxy together with what must not use it', () => {
    const env = proxyEnv({ outbound: { address: '127.0.0.1', port: 15_001 }, direct: ['payments'] });
    expect(formatEnv(env, 'env')).toBe(
      'http_proxy=http://127.0.0.1:15001\nno_proxy=127.0.0.0/8,localhost,payments\nNO_PROXY=127.0.0.0/8,localhost,payments\n',
    );
    expect(formatEnv(env, 'shell')).toContain("export http_proxy='http://127.0.0.1:15001'\n");
  });
});
