import { randomBytes } from 'node:crypto';

/**
 * Makes the nonces of one stream: none twice, none of an earlier process (GEN-5), and none that could be guessed from
 * another stream of the same client, which would let it acknowledge what it has not read (SEC-11).
 */
export function nonceMaker(epoch: string): () => string {
  const stream = randomBytes(6).toString('base64url');
  let count = 0;
  return () => `${epoch}.${stream}.${++count}`;
}
