/** IP addresses and host names in text form, without the network library: the model does no I/O. */
import { isDnsLabel } from '#libs/kernel';

/** The four bytes of a dotted-decimal IPv4 address; undefined for anything else, leading zeros included. */
export function parseIpv4(text: string): readonly number[] | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  const bytes = parts.map((part) => (/^(0|[1-9][0-9]{0,2})$/.test(part) ? Number(part) : 256));
  return bytes.every((byte) => byte <= 255) ? bytes : undefined;
}

/** The eight 16-bit groups of an IPv6 address (RFC 4291, without zone), or undefined. */
export function parseIpv6(text: string): readonly number[] | undefined {
  if (text.length > 45 || !text.includes(':')) return undefined;
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map(groups);
  if (!head) return undefined;
  if (halves.length === 1) return head.length === 8 ? head : undefined;
  if (!tail || head.length + tail.length > 7) return undefined;
  return [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => 0), ...tail];
}

/** Groups of one side of `::`; the last may be an embedded IPv4 address. */
function groups(text: string): number[] | undefined {
  if (text === '') return [];
  const parts = text.split(':');
  const out: number[] = [];
  for (const [index, part] of parts.entries()) {
    const embedded = index === parts.length - 1 && part.includes('.') ? parseIpv4(part) : undefined;
    if (embedded) {
      const [a = 0, b = 0, c = 0, d = 0] = embedded;
      out.push(a * 256 + b, c * 256 + d);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) out.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return out;
}

/** True for an IPv4 or IPv6 address. */
export const isIpAddress = (text: string): boolean => parseIpv4(text) !== undefined || parseIpv6(text) !== undefined;

/**
 * True for a lower-case DNS host name. A name whose last label is a number (`127.1`, `0x7f000001`) is refused: resolvers
 * read it as an address.
 */
export function isHostName(text: string): boolean {
  if (text.length > 253) return false;
  const labels = text.split('.');
  return labels.every(isDnsLabel) && !/^(0x[0-9a-f]*|[0-9]+)$/.test(labels.at(-1) ?? '');
}

const LOCAL_NAMES: ReadonlySet<string> = new Set([
  'localhost',
  'localhost.localdomain',
  'localhost6',
  'localhost6.localdomain6',
  'ip6-localhost',
  'ip6-loopback',
  'metadata',
  'metadata.google.internal',
]);

/** Addresses by which clouds hand out credentials and that are not link-local. */
const METADATA: ReadonlySet<string> = new Set(['100.100.100.200', '168.63.129.16', '192.0.0.192']);

/**
 * Why traffic must never be sent to this host, or undefined. What is refused is the proxy's own machine and its
 * network's metadata services: an external service would otherwise be a way to Envoy's admin port or to a cloud's
 * credentials (SEC-49). Private addresses are fine.
 */
export function unsafeHost(text: string): string | undefined {
  const v4 = parseIpv4(text);
  if (v4) return METADATA.has(text) ? 'a metadata service' : unsafeIpv4(v4);
  const v6 = parseIpv6(text);
  if (v6) return unsafeIpv6(v6);
  const name = text.toLowerCase().replace(/\.$/, '');
  if (LOCAL_NAMES.has(name) || name.endsWith('.localhost')) return 'a name of the local machine or a metadata service';
  return undefined;
}

function unsafeIpv4([a = 0, b = 0]: readonly number[]): string | undefined {
  if (a === 127) return 'a loopback address';
  if (a === 0) return 'an unspecified address';
  if (a === 169 && b === 254) return 'a link-local address, where clouds keep their metadata';
  if (a >= 224) return 'a multicast, reserved or broadcast address';
  return undefined;
}

function unsafeIpv6(group: readonly number[]): string | undefined {
  const [first = 0, second = 0, third = 0] = group;
  const zeros = (count: number): boolean => group.slice(0, count).every((value) => value === 0);
  if (zeros(8)) return 'the unspecified address';
  if (zeros(7) && group[7] === 1) return 'the loopback address';
  if (zeros(5) && group[5] === 0xffff) return 'an IPv4 address in IPv6 form; write it as IPv4';
  if (zeros(6) || (zeros(4) && group[4] === 0xffff)) return 'an IPv4 address in IPv6 form; write it as IPv4';
  if (first === 0x64 && second === 0xff9b) return 'a translated IPv4 address (NAT64); write it as IPv4';
  if (first === 0x2002) return 'a translated IPv4 address (6to4); write it as IPv4';
  if ((first & 0xffc0) === 0xfe80) return 'a link-local address';
  if ((first & 0xff00) === 0xff00) return 'a multicast address';
  if (first === 0xfd00 && second === 0xec2 && third === 0) return 'a metadata service';
  return undefined;
}
