/** Postgres's clock in SQL: milliseconds since the epoch, a bigint. It moves while a transaction runs. */
export const NOW_MS = '(extract(epoch FROM clock_timestamp()) * 1000)::bigint';
