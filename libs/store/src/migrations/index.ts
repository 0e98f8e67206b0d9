import { Initial1767225600000 } from './1767225600000-initial.js';
import { Plans1767312000000 } from './1767312000000-plans.js';

/** Oldest first. A migration that was released is never edited: what is wrong with it is mended by the next one. */
export const MIGRATIONS = [Initial1767225600000, Plans1767312000000];

/** Number of the schema that this build writes and reads. */
export const SCHEMA_VERSION = MIGRATIONS.length;
