import { inspect } from 'node:util';

/**
 * A value that must not reach a log, a trace, a metric or an error text (SEC-24): printing, inspecting, concatenating
 * and JSON-encoding it all give `[secret]`. `expose()` is the one way to the value, so uses are easy to find.
 */
export class Secret<T> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  /** The value itself. Hand it on only to what needs it, never to a logger. */
  expose(): T {
    return this.#value;
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }

  [inspect.custom](): string {
    return '[secret]';
  }
}
