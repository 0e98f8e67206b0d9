import type { Cell } from '../cell.js';
import type { TypeSpec } from '../type-specs.js';
import type { NackInfo } from '../types.js';
import type { InFlight } from './in-flight.js';

/** @param blamed the contents that may be at fault; one alone certainly is */
export function nackOf(
  spec: TypeSpec,
  { nonce, change }: InFlight,
  message: string,
  blamed: readonly Cell[],
): NackInfo {
  const [only] = blamed;
  const isolated = blamed.length === 1;
  const names = blamed.map((cell) => cell.name);
  const version = isolated ? (only?.version ?? '') : '';
  return { type: spec.url, names, nonce, message, isolated, version, change };
}
