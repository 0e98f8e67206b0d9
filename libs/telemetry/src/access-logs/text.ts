import type { Reader } from '#libs/envoy-api';

/** Control characters, which no log, terminal or text column should ever meet. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;

/** At most so many bytes of a string that a sidecar sent, without control characters. It may still be a lie, and hold `<`. */
export function boundedText(reader: Reader, maxBytes: number): string {
  const bytes = reader.bytes();
  const whole = bytes.length <= maxBytes ? bytes : bytes.subarray(0, maxBytes);
  return whole.toString('utf8').replaceAll(CONTROL, '\ufffd');
}

/** The same, or '' when it does not look as what Heddle and Envoy write there. */
export function textLike(reader: Reader, shape: RegExp, maxBytes: number): string {
  const bytes = reader.bytes();
  if (bytes.length > maxBytes) return '';
  const text = bytes.toString('latin1');
  return shape.test(text) ? text : '';
}
