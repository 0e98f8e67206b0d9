/** The key-encryption key cannot be used; the message says what to do. The process must not start without it (SEC-23). */
export class KekUnusable extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'KekUnusable';
  }
}

/**
 * No certificate is issued at the moment, and why: the issuer has expired (REL-31), the clock cannot be trusted
 * (REL-27), or the spool of issuance records is full (REL-2). Proxies keep what they hold; asking again later helps.
 */
export class IssuingPaused extends Error {
  constructor(
    readonly reason: 'issuer-expired' | 'clock-skew' | 'spool-full',
    message: string,
  ) {
    super(message);
    this.name = 'IssuingPaused';
  }
}
