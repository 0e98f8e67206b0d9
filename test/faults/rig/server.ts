import { Client } from 'pg';
import { silentLog } from '#libs/kernel';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '#libs/store';

/** A Postgres of the test's own, which may be killed, stopped, and started again at the same port. */
export class DatabaseServer {
  #running: EmbeddedPostgres | undefined;

  private constructor(
    private readonly dataDir: string,
    private readonly settings: Readonly<Record<string, string>>,
    readonly url: string,
  ) {}

  /** @param dataDir where it keeps its data, on a disk of the test's choice */
  static async start(dataDir: string, settings: Readonly<Record<string, string>> = {}): Promise<DatabaseServer> {
    const all = { shared_buffers: '32MB', jit: 'off', ...settings };
    const running = await startEmbeddedPostgres({ dataDir, settings: all, log: silentLog });
    const server = new DatabaseServer(dataDir, all, running.url);
    server.#running = running;
    return server;
  }

  /** Of the postmaster. */
  get pid(): number {
    return this.#running?.pid ?? 0;
  }

  /** Starts it again after it was stopped or killed. */
  async restart(): Promise<void> {
    this.#running = await startEmbeddedPostgres({ dataDir: this.dataDir, settings: this.settings, log: silentLog });
  }

  /** Orderly: what is committed is on disk. */
  async stop(): Promise<void> {
    await this.#running?.stop();
    this.#running = undefined;
  }

  /** As an accident ends it; its backends notice by themselves. */
  async kill(): Promise<void> {
    process.kill(this.pid, 'SIGKILL');
    await this.stop();
  }

  /** Rows of one statement, as superuser, not through any proxy. */
  async rows<Row extends object>(statement: string, parameters: readonly unknown[] = []): Promise<Row[]> {
    const client = new Client({ connectionString: this.url });
    client.on('error', () => {});
    await client.connect();
    try {
      return (await client.query<Row>(statement, [...parameters])).rows;
    } finally {
      await client.end();
    }
  }

  /** A connection that stays, for locks. */
  async session(): Promise<Client> {
    const client = new Client({ connectionString: this.url });
    client.on('error', () => {});
    await client.connect();
    return client;
  }

  /** Process ids of backends by application name. */
  async backends(application: string): Promise<number[]> {
    const rows = await this.rows<{ pid: number }>('SELECT pid FROM pg_stat_activity WHERE application_name = $1', [
      application,
    ]);
    return rows.map((row) => row.pid);
  }
}
