import { CliError, EXIT } from './exit-codes.js';

const UNTRUSTED = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_GET_ISSUER_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_SIGNATURE_FAILURE',
]);

/** Why `fetch` got no answer, in words with a way out. OpenSSL's own take several lines. */
export function unreachable(server: string, error: unknown): CliError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : undefined;
  const code = cause && 'code' in cause ? String(cause.code) : '';
  const say = (message: string, ...details: string[]) => new CliError(message, EXIT.unreachable, details);
  if (UNTRUSTED.has(code)) {
    return say(
      `the certificate of ${server} is not by an authority that this machine trusts`,
      'name its CA: HEDDLE_CA=FILE, or heddle login --server URL --ca FILE',
    );
  }
  if (server.startsWith('https:') && (code === 'EPROTO' || code.startsWith('ERR_SSL_')))
    return say(`${server} does not speak TLS`, `is it ${server.replace(/^https/, 'http')} ?`);
  const reason = (cause?.message ?? String(error)).split('\n')[0] ?? '';
  const closed = server.startsWith('http:') && (code === 'UND_ERR_SOCKET' || code === 'ECONNRESET');
  return say(
    `the control plane at ${server} does not answer: ${reason}`,
    closed
      ? `does it speak TLS? Then write ${server.replace(/^http/, 'https')}`
      : 'is it running? `heddle up` starts one',
  );
}
