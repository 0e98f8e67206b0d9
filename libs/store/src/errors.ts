import { StoreUnavailable } from './ports.js';

/** What a failure of Postgres or of the way to it means for the caller. */
export type FailureClass =
  /** Two transactions collided: the same work may succeed when tried again (REL-38). */
  | 'collision'
  /** Away, full, overloaded, or a lock could not be had in time: the client should come back later. */
  | 'unavailable'
  /** A mistake of ours, or data that a constraint refuses. */
  | 'other';

const COLLISIONS = new Set(['40001', '40P01']);

// Classes: 08 connection, 53 insufficient resources (disk full, memory, too many clients), 57P shutdown, 58 system error.
const UNAVAILABLE_CLASSES = ['08', '53', '57P', '58'];
const UNAVAILABLE = new Set([
  '55P03', // lock_not_available: lock_timeout ran out (REL-37)
  '57014', // query_canceled: statement_timeout ran out
  '25P03', // idle_in_transaction_session_timeout: we were stalled, the transaction is gone
  '3D000', // invalid_catalog_name: not created yet, or being restored
  '25006', // read_only_sql_transaction: a standby answers after a failover
]);
const SOCKET_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ETIMEDOUT',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
]);
// node-postgres reports these without a code.
const CONNECTION_TEXT =
  /connection terminated|timeout exceeded when trying to connect|query read timeout|client has encountered a connection error|not queryable|queryrunneralreadyreleased|query runner already released/i;

/** The SQLSTATE or socket code of an error, also when TypeORM wrapped it; '' when there is none. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  if ('driverError' in error && error.driverError !== error && error.driverError instanceof Error)
    return codeOf(error.driverError);
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** Name of the constraint that refused the statement; '' when there is none. */
export function constraintOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  if ('driverError' in error && error.driverError instanceof Error) return constraintOf(error.driverError);
  return 'constraint' in error && typeof error.constraint === 'string' ? error.constraint : '';
}

/**
 * Postgres ends the connection with such an error, whatever its code: a login or a role that is not there (any more),
 * because the password was changed or another server answers.
 */
function isFatal(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('driverError' in error && error.driverError !== error && error.driverError instanceof Error)
    return isFatal(error.driverError);
  return 'severity' in error && (error.severity === 'FATAL' || error.severity === 'PANIC');
}

export function classify(error: unknown): FailureClass {
  if (error instanceof StoreUnavailable || isFatal(error)) return 'unavailable';
  const code = codeOf(error);
  if (COLLISIONS.has(code)) return 'collision';
  if (UNAVAILABLE.has(code) || SOCKET_CODES.has(code)) return 'unavailable';
  if (UNAVAILABLE_CLASSES.some((prefix) => code.startsWith(prefix))) return 'unavailable';
  if (error instanceof Error && (CONNECTION_TEXT.test(error.message) || CONNECTION_TEXT.test(error.name)))
    return 'unavailable';
  return 'other';
}

/** The error to hand to callers: collisions that outlived their retries and outages become `StoreUnavailable`. */
export function asStoreError(error: unknown): unknown {
  if (error instanceof StoreUnavailable || classify(error) === 'other') return error;
  const reason = error instanceof Error ? error.message : String(error);
  const hint = /unsupported startup parameter/.test(reason)
    ? ' (PgBouncer needs: ignore_startup_parameters = options)'
    : '';
  return new StoreUnavailable(`Postgres cannot take this now: ${reason}${hint}`, { cause: error });
}
