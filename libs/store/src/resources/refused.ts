import type { StoreRefusal } from '../ports.js';

/** Thrown inside of a transaction to roll it back with a refusal that the caller expects. */
export class Refused extends Error {
  constructor(readonly refusal: StoreRefusal) {
    super(refusal.code);
    this.name = 'Refused';
  }
}
