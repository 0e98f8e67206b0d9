import type { TestProject } from 'vitest/node';
import { startTestPostgres } from './postgres/server.js';

/** Starts one Postgres for the whole run, and ends it with the run. `HEDDLE_TEST_DATABASE_URL` names another one to use. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startTestPostgres(process.env['HEDDLE_TEST_DATABASE_URL']);
  project.provide('postgres', { url: server.url, template: server.template });
  return () => server.stop();
}

declare module 'vitest' {
  interface ProvidedContext {
    /** The test server, as a superuser, and the name of the database that is copied for each file. */
    postgres: { readonly url: string; readonly template: string };
  }
}
