import type { Rewrite } from './link.js';

/** Message of Postgres's protocol, version 3, from server to client: a type byte, then a length that counts itself. */
const HEADER = 5;
/** NotificationResponse. */
export const NOTIFICATION = 'A';

/**
 * Goes through what a server says, message by message. `change` answers how often a message of that type is passed on:
 * 0 loses it, 2 doubles it. Only for connections without TLS.
 */
export function eachMessage(change: (type: string) => number): Rewrite {
  let rest = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    const passed: Buffer[] = [];
    while (rest.length >= HEADER) {
      const length = 1 + rest.readUInt32BE(1);
      if (rest.length < length) break;
      const message = rest.subarray(0, length);
      for (let times = change(String.fromCharCode(message[0] ?? 0)); times > 0; times--) passed.push(message);
      rest = rest.subarray(length);
    }
    return Buffer.concat(passed);
  };
}
