import { isIPv6 } from 'node:net';

const MAPPED = /^::ffff:(?<v4>\d+\.\d+\.\d+\.\d+)$/i;
const GROUPS_OF_A_NETWORK = 4;

/**
 * Whom an address stands for where addresses are counted: an IPv4 address itself, of IPv6 the /64, since whoever has one
 * address of it has them all (SEC-8).
 */
export function clientOf(address: string): string {
  const mapped = MAPPED.exec(address)?.groups?.['v4'];
  if (mapped) return mapped;
  const plain = address.split('%')[0] ?? '';
  if (!isIPv6(plain)) return address;
  const [head = '', tail] = plain.split('::');
  const groups = head.split(':').filter(Boolean);
  if (tail !== undefined) {
    const behind = tail.split(':').filter(Boolean).length + (tail.includes('.') ? 1 : 0);
    while (groups.length + behind < 8) groups.push('0');
  }
  const network = groups.slice(0, GROUPS_OF_A_NETWORK).map((group) => Number.parseInt(group, 16).toString(16));
  // Of `::1` and its like there is one of each kind, not a network.
  return network.every((group) => group === '0') ? plain : `${network.join(':')}::/64`;
}

/** The address in the name that grpc-js has for a peer, `<address>:<port>`. */
export const addressOf = (peer: string): string => peer.slice(0, peer.lastIndexOf(':'));
