/** What a client knows of one write that it has sent. */
export interface SentWrite {
  /** Idempotency-Key. */
  readonly key: string;
  /** `acknowledged`: a 2xx came back. `refused`: another final answer. `unknown`: 503, or the connection was lost. */
  readonly outcome: 'acknowledged' | 'refused' | 'unknown';
  /** Name of the resource, and what was written into it; undefined = it was deleted. */
  readonly name: string;
  readonly value: string | undefined;
}

/** What the database says. */
export interface StoredHistory {
  /** Keys that were carried out, with the revision that each led to. */
  readonly keys: ReadonlyMap<string, number>;
  /** Every change of the mesh, with the number of audit entries that say it was applied. */
  readonly changes: ReadonlyMap<number, number>;
  /** Resources that history says exist: the newest entry of each is not a deletion. */
  readonly alive: ReadonlySet<string>;
  /** Resources that are stored. */
  readonly stored: ReadonlySet<string>;
}

/**
 * I1: what was acknowledged is there, audited exactly once. I2: what was not acknowledged is absent, or there with its
 * audit entry. I6, as far as the database goes: nothing is gone that history does not explain.
 * @returns one line for each violation
 */
export function checkHistory(sent: readonly SentWrite[], found: StoredHistory): string[] {
  const wrong: string[] = [];
  for (const { key, outcome, name } of sent) {
    const revision = found.keys.get(key);
    if (outcome === 'acknowledged' && revision === undefined)
      wrong.push(`I1: the acknowledged write ${key} of ${name} is lost`);
    if (outcome === 'refused' && revision !== undefined)
      wrong.push(`I1: the refused write ${key} of ${name} was carried out as revision ${revision}`);
    if (revision !== undefined && !found.changes.has(revision))
      wrong.push(`I1: the write ${key} of ${name} has revision ${revision}, which is no change`);
  }
  for (const [revision, entries] of found.changes)
    if (entries !== 1) wrong.push(`I2: change ${revision} has ${entries} audit entries`);
  for (const name of found.alive)
    if (!found.stored.has(name)) wrong.push(`I6: ${name} is gone, and history does not say why`);
  for (const name of found.stored)
    if (!found.alive.has(name)) wrong.push(`I2: ${name} is there, and history does not know of it`);
  return wrong;
}

const MARKS = [/-----BEGIN (?:EC |RSA )?PRIVATE KEY-----/, /MIG[Hk]AgEA(?:M|m)BMGByqGSM49/];

/**
 * I11: text that must hold no key and no credential.
 * @param credentials that the test itself holds
 * @returns one line for each that was found
 */
export function checkSecrecy(where: string, text: string, credentials: readonly string[]): string[] {
  return [
    ...MARKS.filter((mark) => mark.test(text)).map(() => `I11: a private key stands in ${where}`),
    ...credentials.filter((credential) => text.includes(credential)).map(() => `I11: a credential stands in ${where}`),
  ];
}
