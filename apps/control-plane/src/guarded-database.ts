import type { Clock } from '#libs/kernel';
import type { Config } from './config.schema.js';
import { DatabaseGuard, type DatabaseVerdict } from './database-guard.js';
import { type OpenDatabase, openDatabase } from './open-database.js';
import type { ControlPlanePorts, Telemetry } from './ports.js';
import type { Shutdown } from './shutdown.js';

export interface GuardedParts {
  readonly config: Config;
  readonly replica: string;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly ports: ControlPlanePorts;
  readonly shutdown: Shutdown;
}

/** How often what was served is noted in the data directory. */
const NOTE_EVERY_MS = 10_000;

/** Opens the database and refuses one that is not the one served before (REL-4, REL-5). @throws StartError */
export async function guardedDatabase(starting: GuardedParts): Promise<OpenDatabase> {
  const { config, replica, shutdown, telemetry, clock, ports } = starting;
  const { log, metrics, tracer } = telemetry;
  const guard = new DatabaseGuard(config.dataDir);
  let verdict = 'first' as DatabaseVerdict;
  const database = await openDatabase({
    ...{ config, replica, clock, log, metrics, tracer, onProgress: ports.onProgress },
    admit: (found) => {
      verdict = guard.require(found, config.database.accept);
    },
  });
  shutdown.add('database', () => database.close());
  const found = await database.store.identity();
  if (verdict === 'restored')
    log.warn('the database was restored or failed over: everything is read anew', { ...found });
  if (verdict === 'accepted') log.warn('the database is accepted as it is', { ...found });
  guard.save(found);
  const note = async (): Promise<void> => guard.note(await database.store.identity());
  const stop = clock.every(NOTE_EVERY_MS, () => {
    note().catch((error: unknown) => log.debug('what was served could not be noted', { error }));
  });
  shutdown.add('note of what was served', async () => {
    stop();
    await note();
  });
  return database;
}
