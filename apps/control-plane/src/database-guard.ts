import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { err, ok, type Result } from '#libs/kernel';
import type { DatabaseIdentity } from '#libs/store';
import { codeOf, EXIT, StartError } from './start-error.js';

const servedSchema = z.object({
  clusterId: z.string(),
  epoch: z.string(),
  configRevision: z.int().min(0),
  schemaVersion: z.int().min(0),
});

/** Lower than this right after the start, a database has never been configured by anybody. */
const FIRST_REVISION = 1;

/**
 * May this replica serve proxies from the database? It may not once it has served from another one, or from a later
 * state of this one: every proxy would lose what it has (REL-4, REL-5).
 * @param served what this replica has served before; undefined = nothing
 * @param found undefined = no Heddle has ever used it
 */
export function judgeDatabase(
  served: DatabaseIdentity | undefined,
  found: DatabaseIdentity | undefined,
): Result<'same' | 'first' | 'restored', string> {
  if (served === undefined) return ok('first');
  if (found === undefined)
    return err(`it is an empty one, not the one that this replica has served (${served.clusterId})`);
  if (found.schemaVersion < served.schemaVersion) {
    return err(`it has schema ${found.schemaVersion}, this replica has served schema ${served.schemaVersion}`);
  }
  if (found.clusterId !== served.clusterId) {
    const what = found.configRevision <= FIRST_REVISION ? 'an empty one' : 'another one';
    return err(`it is ${what} (${found.clusterId}), not the one that this replica has served (${served.clusterId})`);
  }
  if (found.configRevision < served.configRevision) {
    return err(`it is at revision ${found.configRevision}, this replica has served revision ${served.configRevision}`);
  }
  return ok(found.epoch === served.epoch ? 'same' : 'restored');
}

/** Why nothing is served from a database, and what to do. */
export const distrust = (reason: string, cause?: unknown): StartError =>
  new StartError(
    EXIT.database,
    `this is not the database it was: ${reason}; nothing is served from it. ` +
      'Mend --database-url or restore the database; if it is meant, start once with --database-accept',
    { cause },
  );

/** What a database is to this replica; 'accepted' = whatever it is, by `--database-accept`. */
export type DatabaseVerdict = 'same' | 'first' | 'restored' | 'accepted';

/** What this replica has served, kept in its data directory. */
export class DatabaseGuard {
  private readonly file: string;

  constructor(dataDir: string) {
    this.file = join(dataDir, 'database.json');
  }

  /** @throws StartError when the file is there but cannot be understood: nobody may guess what was served */
  read(): DatabaseIdentity | undefined {
    try {
      return servedSchema.parse(JSON.parse(readFileSync(this.file, 'utf8')));
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      const message = `${this.file} cannot be read: it says which database this replica has served; restore it, or start once with --database-accept`;
      throw new StartError(EXIT.database, message, { cause: error });
    }
  }

  /** Complete or not at all, also when the machine fails meanwhile. */
  save(identity: DatabaseIdentity): void {
    writeFileSync(`${this.file}.new`, `${JSON.stringify(identity)}\n`, { mode: 0o600, flush: true });
    renameSync(`${this.file}.new`, this.file);
  }

  /**
   * Notes what is being served, but never an older state of it: whoever starts next must not take that for the truth. After
   * a failover or a restore (another epoch) the older state is the truth, and the feed has taken it over by now.
   */
  note(found: DatabaseIdentity): void {
    const served = this.read();
    const isOlder = served?.epoch === found.epoch && found.configRevision < served.configRevision;
    if (served?.clusterId !== found.clusterId || isOlder) return;
    this.save(found);
  }

  /** @param accept serve from it whatever it is @throws StartError */
  require(found: DatabaseIdentity | undefined, accept: boolean): DatabaseVerdict {
    if (accept) return 'accepted';
    const judged = judgeDatabase(this.read(), found);
    if (judged.ok) return judged.value;
    throw distrust(judged.error);
  }
}
