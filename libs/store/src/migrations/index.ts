import { Initial1767225600000 } from './1767225600000-initial.js';
import { AuthorityRotation1767484800000 } from './1767484800000-authority-rotation.js';
import { Plans1795780100000 } from './1795780100000-plans.js';

/** Oldest first. A migration that was released is never edited: what is wrong with it is mended by the next one. */
export const MIGRATIONS = [Initial1767225600000, AuthorityRotation1767484800000, Plans1795780100000];

/** Number of the schema that this build writes and reads. */
export const SCHEMA_VERSION = MIGRATIONS.length;
