import type { Sql } from '../database.js';
import { NOW_MS } from '../sql-time.js';
import { commitInstances, type InstanceEvent, type InstanceWrite } from './commit.js';
import { type InstanceKey, type InstanceRecord, type InstanceState, instanceKey, toInstanceState } from './rows.js';
import { applyCommand, describe, type InstanceCommand } from './transitions.js';

export interface CommandOutcome {
  readonly revision: number;
  /** The instance after the batch; undefined when there is none. */
  readonly state: InstanceState | undefined;
}

const LOCK_ROWS = `
SELECT i.* FROM instance i
JOIN unnest($1::text[], $2::text[], $3::text[]) AS k(mesh, namespace, name) USING (mesh, namespace, name)
ORDER BY i.mesh, i.namespace, i.name FOR UPDATE OF i`;

const NOW_AND_REVISION = `
SELECT ${NOW_MS} AS now, revision FROM stream WHERE stream = 'runtime'`;

const keyOf = (command: InstanceCommand): InstanceKey => (command.op === 'register' ? command.spec : command);

/** Milliseconds since the epoch by Postgres's clock, and the present runtime revision. */
export async function nowAndRevision(sql: Sql): Promise<{ now: number; revision: number }> {
  const [row] = await sql.query<{ now: number; revision: number }>(NOW_AND_REVISION);
  return row ?? { now: 0, revision: 0 };
}

async function lockInstances(sql: Sql, commands: readonly InstanceCommand[]): Promise<Map<string, InstanceState>> {
  const keys = [...new Map(commands.map((command) => [instanceKey(keyOf(command)), keyOf(command)])).values()];
  const records = await sql.query<InstanceRecord>(LOCK_ROWS, [
    keys.map((key) => key.mesh),
    keys.map((key) => key.namespace),
    keys.map((key) => key.name),
  ]);
  return new Map(records.map(toInstanceState).map((state) => [instanceKey(state), state]));
}

function difference(
  before: ReadonlyMap<string, InstanceState>,
  after: ReadonlyMap<string, InstanceState>,
): InstanceWrite[] {
  const writes: InstanceWrite[] = [];
  for (const [key, state] of before) {
    const now = after.get(key);
    if (now === undefined || now.uid !== state.uid) writes.push({ op: 'deleted', state });
  }
  for (const [key, state] of after) {
    const was = before.get(key);
    if (was === undefined || was.uid !== state.uid) writes.push({ op: 'created', state });
    else if (was !== state) writes.push({ op: 'updated', state });
  }
  return writes;
}

/** Carries out commands in order, in one transaction; only what changes something is written. */
export async function runBatch(sql: Sql, commands: readonly InstanceCommand[]): Promise<readonly CommandOutcome[]> {
  const before = await lockInstances(sql, commands);
  const present = await nowAndRevision(sql);
  const after = new Map(before);
  const events: InstanceEvent[] = [];
  for (const command of commands) {
    const key = instanceKey(keyOf(command));
    const was = after.get(key);
    const state = applyCommand(command, was, present.now);
    if (state === was) continue;
    if (state === undefined) after.delete(key);
    else after.set(key, state);
    const about = state ?? was;
    if (about !== undefined) events.push({ state: about, op: command.op, detail: describe(command) });
  }
  const writes = difference(before, after);
  if (writes.length === 0)
    return commands.map((command) => ({ revision: present.revision, state: after.get(instanceKey(keyOf(command))) }));
  const revision = await commitInstances(sql, writes, events);
  const written = new Set(writes.map((write) => write.state));
  return commands.map((command) => {
    const state = after.get(instanceKey(keyOf(command)));
    return {
      revision,
      state: state !== undefined && written.has(state) ? { ...state, runtimeRevision: revision } : state,
    };
  });
}
