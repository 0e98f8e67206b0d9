import { Socket } from 'node:net';
import { Client, type ClientConfig, types } from 'pg';

/** Waiting for a lock longer than this is answered by 503 (REL-37). */
export const LOCK_TIMEOUT_MS = 2_000;
const STATEMENT_TIMEOUT_MS = 10_000;
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 10_000;
/** A stalled server cannot enforce its own timeouts; this one is ours, and a little longer than the server's. */
const CLIENT_QUERY_TIMEOUT_MS = 12_000;
/** Also the wait for a free connection of the pool (REL-36). */
const CONNECT_TIMEOUT_MS = 10_000;

const INT8 = 20;

/** Revisions and times in milliseconds stay far below 2^53, so int8 is read as a number. */
const numbers: NonNullable<ClientConfig['types']> = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === INT8 ? Number : types.getTypeParser(oid, format)) as typeof types.getTypeParser,
};

/**
 * A connection that can be cut, and whose errors never end the process: a terminated backend emits `error` twice, and
 * the second one comes when the pool has already let go of it (M8). Whoever uses the connection sees its query fail.
 */
export class StoreClient extends Client {
  readonly #socket: Socket;

  constructor(config: ClientConfig = {}) {
    const socket = new Socket();
    super({ ...config, stream: () => socket });
    this.#socket = socket;
    this.on('error', () => {});
  }

  /** Drops the connection without a word: the only way out when the server does not answer. */
  abort(): void {
    this.#socket.destroy();
  }
}

export interface SessionOptions {
  readonly applicationName: string;
  /** Role that the session acts as; undefined = the role that logs in. */
  readonly role?: string | undefined;
  /** Milliseconds; 0 = none. Default 10,000. */
  readonly statementTimeoutMs?: number;
  /** A commit is answered before it is on disk: what a crash of Postgres may lose is the last half second. Default false. */
  readonly hasty?: boolean;
}

/** Settings of every connection that the store opens: role, timeouts, number parsing. */
export function sessionConfig(options: SessionOptions): ClientConfig {
  const statementTimeoutMs = options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS;
  const settings = [
    ...(options.role === undefined ? [] : [`role=${options.role}`]),
    `lock_timeout=${LOCK_TIMEOUT_MS}`,
    `statement_timeout=${statementTimeoutMs}`,
    `idle_in_transaction_session_timeout=${IDLE_IN_TRANSACTION_TIMEOUT_MS}`,
    ...(options.hasty ? ['synchronous_commit=off'] : []),
  ];
  return {
    application_name: options.applicationName,
    options: settings.map((setting) => `-c ${setting}`).join(' '),
    types: numbers,
    keepAlive: true,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    ...(statementTimeoutMs === 0 ? {} : { query_timeout: CLIENT_QUERY_TIMEOUT_MS }),
  };
}
