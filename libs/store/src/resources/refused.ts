import type { StoreRefusal } from '../ports.js';

/** Thrown inside of a transaction to roll it back with a refusal that the caller expects. */
export class Refused extends Error {
  constructor(readonly refusal: StoreRefusal) {
    super(refusal.code);
    this.name = 'Refused';
  }
}

/** Thrown inside of a transaction that met the traces of one that did the same a moment before: to be tried again. */
export class Raced extends Error {
  constructor() {
    super('another request created the same resource at the same time');
    this.name = 'Raced';
  }
}
