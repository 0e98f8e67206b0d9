import type { ServiceRow } from '../catalogue/catalogue.view.js';

/** A change that wrote a service of the reader, or something that is about one. */
export interface TouchingChange {
  readonly change: string;
  readonly at: string;
  readonly actor: string;
  readonly message: string;
  /** `TimeoutPolicy shop/orders` */
  readonly items: readonly string[];
  /** Services of the reader that it touched, `<namespace>/<name>`. */
  readonly touched: readonly string[];
}

export interface OwnerHome {
  /** Those that the reader may change; all that he may read when there is none such. */
  readonly services: readonly ServiceRow[];
  /** Services that declare to call one of these: by its name, theirs. */
  readonly callers: Readonly<Record<string, readonly string[]>>;
  readonly isReader: boolean;
  readonly changes: readonly TouchingChange[];
}
