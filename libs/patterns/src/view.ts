import type { PatternName } from './names.js';
import type { Pattern } from './types.js';

/** A pattern as answers carry it. */
export interface PatternView extends Pattern {
  readonly id: string;
  readonly state: 'active' | 'over';
  /** RFC 3339. */
  readonly begun: string;
  /** RFC 3339; absent while it goes on. */
  readonly ended?: string;
  /** Names that it had before more was known. */
  readonly formerNames: readonly PatternName[];
  /** How many more there are that the reader may not see. */
  readonly hiddenSuspects: number;
}
