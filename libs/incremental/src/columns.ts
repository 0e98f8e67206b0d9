/**
 * Columns that are copied in no time: two copies share their pages until one of them writes to a page, which is then
 * copied for it alone. So the next version of a whole graph costs what it changes, and to drop it costs nothing.
 */

/** Pages by number, and which of them nobody else has. */
abstract class Pages<P> {
  protected pages: (P | undefined)[] = [];
  #own = new Uint8Array(16);

  protected shareFrom(other: Pages<P>): void {
    this.pages = other.pages.slice();
    this.#own = new Uint8Array(other.#own.length);
    other.#own.fill(0);
  }

  /** The page for writing. */
  protected owned(number: number): P {
    const page = this.pages[number];
    if (page !== undefined && this.#own[number] === 1) return page;
    const mine = page === undefined ? this.empty() : this.copy(page);
    while (this.pages.length < number) this.pages.push(undefined);
    this.pages[number] = mine;
    if (number >= this.#own.length) {
      const larger = new Uint8Array(Math.max(number + 1, this.#own.length * 2));
      larger.set(this.#own);
      this.#own = larger;
    }
    this.#own[number] = 1;
    return mine;
  }

  protected abstract empty(): P;
  protected abstract copy(page: P): P;
}

const BOX_BITS = 8;
const BOX_MASK = (1 << BOX_BITS) - 1;

/** A column of values; `undefined` where nothing was set. */
export class Boxes<T> extends Pages<(T | undefined)[]> {
  clone(): Boxes<T> {
    const clone = new Boxes<T>();
    clone.shareFrom(this);
    return clone;
  }

  get(index: number): T | undefined {
    return this.pages[index >> BOX_BITS]?.[index & BOX_MASK];
  }

  set(index: number, value: T | undefined): void {
    const number = index >> BOX_BITS;
    if (value === undefined && this.pages[number] === undefined) return;
    this.owned(number)[index & BOX_MASK] = value;
  }

  protected empty(): (T | undefined)[] {
    return Array.from({ length: 1 << BOX_BITS }, () => undefined);
  }

  protected copy(page: (T | undefined)[]): (T | undefined)[] {
    return page.slice();
  }
}

type NumberPage = Uint8Array | Int32Array | Float64Array;

const NUMBER_BITS = 10;
const NUMBER_MASK = (1 << NUMBER_BITS) - 1;

/** A column of numbers; 0 where nothing was set. */
export class Numbers extends Pages<NumberPage> {
  readonly #page: new (
    length: number,
  ) => NumberPage;

  constructor(page: new (length: number) => NumberPage) {
    super();
    this.#page = page;
  }

  clone(): Numbers {
    const clone = new Numbers(this.#page);
    clone.shareFrom(this);
    return clone;
  }

  get(index: number): number {
    return this.pages[index >> NUMBER_BITS]?.[index & NUMBER_MASK] ?? 0;
  }

  set(index: number, value: number): void {
    this.owned(index >> NUMBER_BITS)[index & NUMBER_MASK] = value;
  }

  protected empty(): NumberPage {
    return new this.#page(1 << NUMBER_BITS);
  }

  protected copy(page: NumberPage): NumberPage {
    return page.slice();
  }
}
