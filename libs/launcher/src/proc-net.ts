import { readFileSync } from 'node:fs';

/** One listening TCP socket of this host. */
export interface ListeningSocket {
  /** `0.0.0.0` and `::` are every address. */
  readonly address: string;
  readonly port: number;
}

const LISTEN = '0A';

/** The listening TCP sockets of this network namespace, IPv4 and IPv6; none where there is no /proc (macOS). */
export function listeningSockets(readFile: (path: string) => string | undefined = readIfThere): ListeningSocket[] {
  return [
    ...parseProcNet(readFile('/proc/net/tcp') ?? '', ipv4),
    ...parseProcNet(readFile('/proc/net/tcp6') ?? '', ipv6),
  ];
}

/** The file as text, `undefined` when it cannot be read. */
export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function parseProcNet(text: string, address: (hex: string) => string): ListeningSocket[] {
  const sockets: ListeningSocket[] = [];
  for (const line of text.split('\n').slice(1)) {
    // sl local_address rem_address st ...
    const [, local, , state] = line.trim().split(/\s+/);
    const [hex, port] = local?.split(':') ?? [];
    if (state === LISTEN && hex && port) sockets.push({ address: address(hex), port: Number.parseInt(port, 16) });
  }
  return sockets;
}

/** The kernel prints 32-bit words in host order, which is little-endian on every platform we run on. */
function bytesOf(hex: string): number[] {
  const words = hex.match(/.{8}/g) ?? [];
  return words.flatMap((word) => [...Buffer.from(word, 'hex')].reverse());
}

const ipv4 = (hex: string): string => bytesOf(hex).join('.');

function ipv6(hex: string): string {
  const bytes = bytesOf(hex);
  if (bytes.every((byte) => byte === 0)) return '::';
  if (bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff) return bytes.slice(12).join('.');
  const groups = Array.from({ length: 8 }, (_, i) =>
    (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16),
  );
  return groups.join(':');
}
