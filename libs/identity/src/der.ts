/** The few pieces of DER (X.690) that certificates of one fixed shape are put together from. */

export const TAG = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
} as const;

/** One element: tag, length in its shortest form, contents. @throws Error for contents of 64 KiB or more. */
export function tlv(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  let size = 0;
  for (const part of contents) size += part.length;
  return Buffer.concat([header(tag, size), ...contents]);
}

export const sequence = (...contents: readonly Uint8Array[]): Buffer => tlv(TAG.sequence, ...contents);

function header(tag: number, size: number): Buffer {
  if (size < 0x80) return Buffer.of(tag, size);
  if (size < 0x100) return Buffer.of(tag, 0x81, size);
  if (size < 0x1_0000) return Buffer.of(tag, 0x82, size >> 8, size & 0xff);
  throw new Error(`DER: an element of ${size} bytes is longer than any part of a certificate`);
}

/** An object identifier from its dotted form. */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return tlv(TAG.oid, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(value: number): number[] {
  const digits = [value & 0x7f];
  for (let high = value >> 7; high > 0; high >>= 7) digits.unshift((high & 0x7f) | 0x80);
  return digits;
}

/**
 * A point in time, whole seconds: UTCTime until 2049, GeneralizedTime from 2050 (RFC 5280, 4.1.2.5).
 * @param ms milliseconds since the epoch; fractions of a second are dropped
 */
export function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, '');
  const early = digits < '2050';
  return tlv(early ? TAG.utcTime : TAG.generalizedTime, Buffer.from(early ? digits.slice(2) : digits, 'latin1'));
}

/** DER in PEM armour, with a newline at the end. */
export function pem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
