import { Client } from 'pg';
import { silentLog } from '#libs/kernel';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '#libs/store';

/** A Postgres of the test's own, which may be killed, stopped, and started again at the same port. */
export class DatabaseServer {
  #running: EmbeddedPostgres | undefined;

  private constructor(
    readonly dataDir: string,
    private readonly settings: Readonly<Record<string, string>>,
    public url: string,
  ) {}

  /** @param dataDir where it keeps its data, on a disk of the test's choice */
  static async start(dataDir: string, settings: Readonly<Record<string, string>> = {}): Promise<DatabaseServer> {
    const all = { shared_buffers: '32MB', jit: 'off', ...settings };
    const running = await startEmbeddedPostgres({ dataDir, settings: all, log: silentLog });
    const server = new DatabaseServer(dataDir, all, running.url);
    server.#running = running;
    return server;
  }

  /** Password of the superuser, which a server in its place must have too. */
  get password(): string {
    return decodeURIComponent(new URL(this.url).password);
  }

  /** Lets in who has the password of another server. */
  async usePassword(password: string): Promise<void> {
    await this.rows(`ALTER ROLE heddle PASSWORD '${password}'`);
    const url = new URL(this.url);
    url.password = password;
    this.url = url.href;
  }

  /** Of the postmaster. */
  get pid(): number {
    return this.#running?.pid ?? 0;
  }

  /** False once the postmaster has ended, by itself too. */
  get alive(): boolean {
    try {
      process.kill(this.pid, 0);
      return this.pid > 0;
    } catch {
      return false;
    }
  }

  /** Starts it again after it was stopped or killed. */
  async restart(): Promise<void> {
    await this.stop();
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
