import type { Call } from '../transport/call.js';
import type { TypeSpec } from '../type-specs.js';
import type { Principal } from '../types.js';

export interface StreamOptions {
  readonly id: number;
  readonly call: Call;
  readonly principal: Principal;
  readonly variant: 'delta' | 'sotw';
  /** The one type of a single-type service; `undefined` on ADS. */
  readonly onlyType: TypeSpec | undefined;
  /** Called when its first answers have left, or there are none; perhaps more than once. */
  readonly served: () => void;
}
