/** Values that several parts of the contract speak of. */

export interface Actor {
  /** Name of the token, `admin`, or `system`. */
  readonly name: string;
  readonly role: string;
  readonly ip: string;
  readonly requestId: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly cursor?: string | undefined;
}
