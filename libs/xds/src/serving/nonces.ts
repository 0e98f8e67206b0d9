import { randomInt } from 'node:crypto';

/** The largest range that there is: 48 bits. */
const MOST = 2 ** 48 - 1;

/**
 * Makes the nonces of one stream: none twice, none of an earlier process (GEN-5), and none that could be guessed from
 * another stream of the same client, which would let it acknowledge what it has not read (SEC-11).
 */
export function nonceMaker(epoch: string): () => string {
  // randomInt draws from a pool that it fills at once: randomBytes takes 15 us of a new stream.
  const stream = randomInt(MOST).toString(36);
  let count = 0;
  return () => `${epoch}.${stream}.${++count}`;
}
