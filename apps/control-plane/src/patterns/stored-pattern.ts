import { z } from 'zod';
import type { Tracked } from '#libs/patterns';
import type { StoredPattern } from '#libs/store';

/** Of the form below: a row of another one is not read by this build. */
const VERSION = 1;

const stored = z.object({
  version: z.literal(VERSION),
  tracked: z.custom<Tracked>((value) => typeof value === 'object' && value !== null),
});

/** A tracked pattern as a row. */
export const toStored = (mesh: string, tracked: Tracked): StoredPattern => ({
  ...{ mesh, id: tracked.id, since: tracked.since, overAt: tracked.overAt },
  document: { version: VERSION, tracked },
});

/** undefined = of another build, which says it in another form. */
export function fromStored({ document }: StoredPattern): Tracked | undefined {
  const read = stored.safeParse(document);
  return read.success ? read.data.tracked : undefined;
}
