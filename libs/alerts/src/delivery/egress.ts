/** The one way out: to whom the control plane itself may open a connection for a user (SEC-41). */
import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';

/** Where a connection goes: resolved once, so that what was looked at is what is dialled. */
export interface Target {
  readonly address: string;
  /** Named by who runs the control plane, so that plain HTTP and addresses of the own network are allowed. */
  readonly isAllowed: boolean;
}

export class EgressRefused extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'EgressRefused';
  }
}

export type Resolve = (host: string) => Promise<readonly string[]>;

const bySystem: Resolve = async (host) => (await lookup(host, { all: true })).map(({ address }) => address);

const IPV4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
];
/** Only 2000::/3 is the public network; of that, what leads into IPv4 or nowhere is left out. */
const IPV6: readonly (readonly [string, number])[] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
];

const blocked = new BlockList();
for (const [net, prefix] of IPV4) blocked.addSubnet(net, prefix, 'ipv4');
for (const [net, prefix] of IPV6) blocked.addSubnet(net, prefix, 'ipv6');
const global6 = new BlockList();
global6.addSubnet('2000::', 3, 'ipv6');

/** True for an address of the public network. */
export function isPublic(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !blocked.check(address, 'ipv4');
  return family === 6 && global6.check(address, 'ipv6') && !blocked.check(address, 'ipv6');
}

/** Host names, addresses, and networks as `10.0.0.0/8`, that may be dialled though they are not public. */
class AllowList {
  readonly #names = new Set<string>();
  readonly #addresses = new BlockList();

  constructor(entries: readonly string[]) {
    for (const entry of entries) {
      const [address = '', prefix] = entry.split('/');
      const family = isIP(address);
      if (family === 0) this.#names.add(entry.toLowerCase());
      else
        this.#addresses.addSubnet(address, Number(prefix ?? (family === 4 ? 32 : 128)), family === 4 ? 'ipv4' : 'ipv6');
    }
  }

  hasName = (name: string): boolean => this.#names.has(name.toLowerCase());
  hasAddress = (address: string): boolean => this.#addresses.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

/** What is wrong with an entry of the allow-list; undefined when nothing is. */
export function allowedHostProblem(entry: string): string | undefined {
  const [address = '', prefix, more] = entry.split('/');
  const family = isIP(address);
  if (family === 0)
    return /^[A-Za-z0-9]([-A-Za-z0-9.]{0,251}[A-Za-z0-9])?$/.test(entry)
      ? undefined
      : `"${entry}": write a host name, an address, or a network such as 10.0.0.0/8`;
  const isPrefix = prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128));
  return isPrefix && more === undefined ? undefined : `"${entry}": write a network such as 10.0.0.0/8`;
}

export class Egress {
  readonly #allowed: AllowList;

  /** @param allowed see `AllowList`; nobody but who runs the control plane can add to it */
  constructor(
    allowed: readonly string[],
    private readonly resolve: Resolve = bySystem,
  ) {
    this.#allowed = new AllowList(allowed);
  }

  /**
   * Resolves a host, once. Every address must be allowed, not only the one that is dialled.
   * @param host a name, or an address with or without brackets
   * @throws EgressRefused
   */
  async target(host: string): Promise<Target> {
    const name = host.replace(/^\[(.*)\]$/, '$1');
    const isNamed = this.#allowed.hasName(name);
    const addresses = isIP(name) === 0 ? await this.#addressesOf(name) : [name];
    const [address] = addresses;
    if (address === undefined) throw new EgressRefused(`${host} has no address`);
    const isAllowed = isNamed || addresses.every((one) => this.#allowed.hasAddress(one));
    if (!isAllowed && !addresses.every(isPublic))
      throw new EgressRefused(
        `${host} leads to an address that is not public: name it in alerts.allowedHosts of the control plane if it is meant`,
      );
    return { address, isAllowed };
  }

  async #addressesOf(name: string): Promise<readonly string[]> {
    try {
      return await this.resolve(name);
    } catch (error) {
      throw new EgressRefused(
        `${name} cannot be resolved${error instanceof Error && 'code' in error ? ` (${error.code})` : ''}`,
      );
    }
  }
}
