import type { Log, Metrics } from '#libs/kernel';
import type { InstanceSpec } from '#libs/model';
import type { Database } from '../database.js';
import { codeOf, constraintOf } from '../errors.js';
import type { Actor, InstanceRow, Instances, InstanceTransition } from '../ports.js';
import { type CommandOutcome, runBatch } from './batch.js';
import { GroupCommit } from './group-commit.js';
import { type InstanceRecord, toInstanceRow, toInstanceState } from './rows.js';
import { type SweepOptions, sweep } from './sweep.js';
import type { InstanceCommand } from './transitions.js';

const MAX_BATCH = 500;
const UNIQUE_VIOLATION = '23505';

// Two replicas registered the same instance at once: the loser starts again and finds it.
const racedRegistration = (error: unknown): boolean =>
  codeOf(error) === UNIQUE_VIOLATION && constraintOf(error) === 'instance_identity';

export interface InstanceRepositoryOptions {
  readonly replica: string;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Runtime state of instances: thousands of transitions a second, neither planned nor audited. */
export class InstanceRepository implements Instances {
  readonly #queue: GroupCommit<InstanceCommand, CommandOutcome>;
  /** Epochs under which this process has attached streams: every other one of its replica is from an earlier run. */
  readonly #epochs = new Set<string>();

  constructor(
    private readonly database: Database,
    private readonly options: InstanceRepositoryOptions,
  ) {
    this.#queue = new GroupCommit((commands) => this.#commit(commands), MAX_BATCH);
  }

  async register(spec: InstanceSpec, actor: Actor): Promise<InstanceRow> {
    const { state } = await this.#queue.submit({ op: 'register', spec, actor });
    if (state === undefined) throw new Error(`instance ${spec.name} was removed while it was registered`);
    return toInstanceRow(state);
  }

  async get(mesh: string, namespace: string, name: string): Promise<InstanceRow | undefined> {
    const [record] = await this.database.query<InstanceRecord>(
      'SELECT * FROM instance WHERE mesh = $1 AND namespace = $2 AND name = $3',
      [mesh, namespace, name],
    );
    return record === undefined ? undefined : toInstanceRow(toInstanceState(record));
  }

  async list(mesh: string, namespace?: string): Promise<readonly InstanceRow[]> {
    const records = await this.database.query<InstanceRecord>(
      'SELECT * FROM instance WHERE mesh = $1 AND ($2::text IS NULL OR namespace = $2) ORDER BY namespace, name',
      [mesh, namespace ?? null],
    );
    return records.map((record) => toInstanceRow(toInstanceState(record)));
  }

  async onHost(mesh: string, host: string): Promise<readonly InstanceRow[]> {
    const records = await this.database.query<InstanceRecord>(
      `SELECT * FROM instance WHERE mesh = $1 AND spec->>'host' = $2 ORDER BY namespace, name`,
      [mesh, host],
    );
    return records.map((record) => toInstanceRow(toInstanceState(record)));
  }

  async transition(t: InstanceTransition): Promise<number> {
    if (t.op === 'attach' && t.attachment.replica === this.options.replica) this.#epochs.add(t.attachment.epoch);
    return (await this.#queue.submit(t)).revision;
  }

  async sweep(options: SweepOptions): Promise<readonly InstanceRow[]> {
    const own = { replica: this.options.replica, epochs: this.#epochs };
    const removed = await this.database.transaction((sql) => sweep(sql, options, own, this.options));
    return removed.map(toInstanceRow);
  }

  async #commit(commands: readonly InstanceCommand[]): Promise<readonly CommandOutcome[]> {
    this.options.metrics.observe('heddle_instance_batch_size', commands.length);
    return this.database.transaction((sql) => runBatch(sql, commands), { alsoRetry: racedRegistration });
  }
}
