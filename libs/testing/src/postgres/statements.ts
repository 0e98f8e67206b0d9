import { Client } from 'pg';

/** The URL of another database of the same server. */
export const withDatabase = (url: string, database: string): string => {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.href;
};

/** Runs statements, each on its own, on one connection. @returns the rows of the last */
export async function runStatements(url: string, statements: readonly string[]): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  client.on('error', () => {}); // the failing statement says it
  await client.connect();
  try {
    let rows: unknown[] = [];
    for (const statement of statements) ({ rows } = await client.query<object>(statement));
    return rows;
  } finally {
    await client.end();
  }
}

/** Removes a database, and cuts whoever is still connected. */
export async function removeDatabase(server: string, name: string): Promise<void> {
  await runStatements(server, [`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`]);
}
