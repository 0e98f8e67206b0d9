/** The embedded Postgres cannot run; the message says why and what to do, in one line or with Postgres's last words. */
export class EmbeddedPostgresError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'EmbeddedPostgresError';
  }
}
