import { TYPE } from '#libs/envoy-api';

/** Every type that xDS carries has its name in field 1, a string. */
const NAMED: ReadonlySet<string> = new Set(Object.values(TYPE));
const FIELD_1_STRING = 0x0a;

/**
 * The name of a resource from its bytes: in state-of-the-world responses it stands nowhere else. '' if there is none, or
 * if field 1 does not come first, as it does in what every encoder writes.
 */
export function nameOf(type: string, bytes: Uint8Array): string {
  if (!NAMED.has(type) || bytes[0] !== FIELD_1_STRING) return '';
  let [length, shift, at] = [0, 0, 1];
  for (let byte = 0x80; byte >= 0x80; shift += 7) {
    byte = bytes[at++] ?? 0;
    length |= (byte & 0x7f) << shift;
  }
  return Buffer.from(bytes.buffer, bytes.byteOffset + at, length).toString('utf8');
}
