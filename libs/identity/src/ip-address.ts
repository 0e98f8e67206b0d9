import { isIPv4, isIPv6 } from 'node:net';

/** 4 bytes for IPv4, 16 for IPv6. */
export type IpBytes = Uint8Array;

/**
 * The bytes of an IP address in its usual notation; `undefined` for anything else. Strict: no octal or hexadecimal
 * IPv4, no missing parts, no zone index, because those are read differently by different programs (SEC-13).
 */
export function parseIp(text: string): IpBytes | undefined {
  if (isIPv4(text)) return Uint8Array.from(text.split('.').map(Number));
  if (!isIPv6(text) || text.includes('%')) return undefined;
  const [head = '', tail] = text.split('::');
  const front = groups(head);
  const back = tail === undefined ? [] : groups(tail);
  const bytes = new Uint8Array(16);
  bytes.set(front, 0);
  bytes.set(back, 16 - back.length);
  return bytes;
}

function groups(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (group.includes('.')) return group.split('.').map(Number);
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}

export interface Cidr {
  readonly bytes: IpBytes;
  /** Leading bits that count: 0 to 32, or 0 to 128. */
  readonly bits: number;
}

/** Parses `10.0.0.0/8` or `2001:db8::/32`; `undefined` when malformed or when bits beyond the prefix are set. */
export function parseCidr(text: string): Cidr | undefined {
  const match = /^([^/]+)\/(0|[1-9]\d{0,2})$/.exec(text);
  const bytes = parseIp(match?.[1] ?? '');
  const bits = Number(match?.[2]);
  if (!bytes || bits > bytes.length * 8) return undefined;
  const cidr = { bytes, bits };
  return bytes.every((byte, index) => (byte & ~mask(bits, index) & 0xff) === 0) ? cidr : undefined;
}

/** True if the address lies in the block; addresses and blocks of different families never match. */
export function cidrContains(cidr: Cidr, address: IpBytes): boolean {
  if (address.length !== cidr.bytes.length) return false;
  return address.every((byte, index) => (byte & mask(cidr.bits, index)) === cidr.bytes[index]);
}

/** The mask of one byte of an address under a prefix. */
function mask(bits: number, index: number): number {
  const here = Math.min(8, Math.max(0, bits - index * 8));
  return (0xff << (8 - here)) & 0xff;
}

const block = (name: string, cidr: string): { readonly name: string; readonly cidr: Cidr } => {
  const parsed = parseCidr(cidr);
  if (!parsed) throw new Error(`not a CIDR: ${cidr}`);
  return { name, cidr: parsed };
};

/** Addresses that name something else on whichever machine dials them (SEC-13); the first that matches gives the name. */
const SPECIAL = [
  block('unspecified', '0.0.0.0/8'),
  block('loopback', '127.0.0.0/8'),
  block('cloud metadata', '169.254.169.254/32'),
  block('cloud metadata', '100.100.100.200/32'),
  block('link-local', '169.254.0.0/16'),
  block('multicast', '224.0.0.0/4'),
  block('reserved', '240.0.0.0/4'),
  block('unspecified', '::/128'),
  block('loopback', '::1/128'),
  block('IPv4-mapped', '::ffff:0:0/96'),
  block('IPv4-compatible', '::/96'),
  block('IPv4-translated', '::ffff:0:0:0/96'),
  block('NAT64', '64:ff9b::/96'),
  block('6to4', '2002::/16'),
  block('cloud metadata', 'fd00:ec2::254/128'),
  block('link-local', 'fe80::/10'),
  block('site-local', 'fec0::/10'),
  block('multicast', 'ff00::/8'),
] as const;

/** What makes an address unfit as an endpoint for others, or `undefined` for an ordinary one. */
export function specialUse(address: IpBytes): string | undefined {
  return SPECIAL.find(({ cidr }) => cidrContains(cidr, address))?.name;
}
