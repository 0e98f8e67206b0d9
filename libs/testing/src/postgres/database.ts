import { randomUUID } from 'node:crypto';
import { inject } from 'vitest';
import { removeDatabase, runStatements, withDatabase } from './statements.js';

export interface TestDatabase {
  /** As a superuser. */
  readonly url: string;
  readonly name: string;
  /** Rows of one statement, on a connection of its own. */
  rows(statement: string): Promise<unknown[]>;
  /** Removes it, and cuts whoever is still connected. */
  drop(): Promise<void>;
}

/** A copy has an identity of its own: nothing of it may be taken for the template's (REL-4). */
const NEW_IDENTITY =
  'UPDATE database_identity SET cluster_id = gen_random_uuid()::text, epoch = gen_random_uuid()::text';

/**
 * A database for one test file: a migrated one, or, with `empty`, one without any table.
 * LISTEN channels, advisory locks and the schema are its own; roles are shared with the whole server.
 */
export async function createTestDatabase(options: { readonly empty?: boolean } = {}): Promise<TestDatabase> {
  const { url, template } = inject('postgres');
  const name = `t_${randomUUID().replaceAll('-', '')}`;
  const from = options.empty === true ? 'template1' : template;
  await runStatements(url, [`CREATE DATABASE ${name} TEMPLATE ${from} STRATEGY FILE_COPY`]);
  const own = withDatabase(url, name);
  if (options.empty !== true) await runStatements(own, [NEW_IDENTITY]);
  const rows = (statement: string): Promise<unknown[]> => runStatements(own, [statement]);
  return { url: own, name, rows, drop: () => removeDatabase(url, name) };
}
