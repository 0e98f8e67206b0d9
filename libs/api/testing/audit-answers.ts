import type { AuditEntry } from '#libs/store';

/** An entry of the audit as REST answers it. */
export type AuditLine = Pick<AuditEntry, 'seq' | 'payload'>;

interface Named {
  readonly namespace: string;
  readonly name: string;
}

/** A change of the history, or an entry of the audit: both name resources. */
export type Naming = { readonly items: readonly Named[] } | AuditLine;

/** `namespace/name` of what each entry names, sorted. */
export const namesOf = (entries: readonly Naming[]): string[][] =>
  entries.map((entry) =>
    ('payload' in entry ? entry.payload.items : entry.items)
      .map(({ namespace, name }) => `${namespace}/${name}`)
      .sort(),
  );
