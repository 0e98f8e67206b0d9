import { Cell, type EncodeCounter, type Lookup, WITHHELD } from '../cell.js';
import type { Source } from '../delivery/board.js';
import type { HeldContent, HoldBack, Resource, TypeUrl } from '../types.js';

/** Nodes of which something is remembered; beyond it the oldest are forgotten. */
const NODES = 1_000;

interface Entry extends Omit<HeldContent, 'instead'> {
  readonly instead: Cell | undefined;
}

/** What is held back from one node, or from all. */
class Kept {
  /** By key and version. */
  readonly #entries = new Map<string, Entry>();
  /** By type and name: what an earlier content needs, in case the view does not have it any more. */
  readonly extra = new Map<TypeUrl, Map<string, Cell>>();

  get entries(): Iterable<Entry> {
    return this.#entries.values();
  }

  get size(): number {
    return this.#entries.size;
  }

  put(entry: Entry): void {
    this.#entries.set(idOf(entry), entry);
  }

  of(cell: Cell): Entry | undefined {
    return this.#entries.get(idOf(cell));
  }

  drop(entry: Pick<Entry, 'key' | 'version'>): boolean {
    return this.#entries.delete(idOf(entry));
  }

  addExtra(cell: Cell): void {
    const names = this.extra.get(cell.type) ?? new Map<string, Cell>();
    this.extra.set(cell.type, names.set(cell.name, cell));
  }
}

const idOf = ({ key, version }: Pick<Entry, 'key' | 'version'>): string => `${version} ${key}`;

/** What a stream has to do with it. */
export interface HeldBackView {
  readonly node: () => string | undefined;
  /** Version that the client holds under a name. */
  readonly acked: (type: TypeUrl, name: string) => string | undefined;
}

/**
 * Contents that are not sent to a node, or to anybody who does not hold them, though views have them (REL-26). In their
 * place stands the content before, where it is known, else nothing is said; a content of another version goes at once.
 */
export class HeldBack {
  readonly #everyone = new Kept();
  readonly #nodes = new Map<string, Kept>();

  /** @param lookAgain at the streams of these nodes; undefined = at all */
  constructor(
    private readonly catalog: EncodeCounter & { versionOf(key: string): string | undefined },
    private readonly lookAgain: (nodes: readonly (string | undefined)[]) => void,
  ) {}

  get isEmpty(): boolean {
    return this.#everyone.size === 0 && this.#nodes.size === 0;
  }

  /** From now on these are not sent; until they are not published any more, or are released. */
  hold({ node, contents, extra = [] }: HoldBack): void {
    const kept = node === undefined ? this.#everyone : (this.#nodes.get(node) ?? new Kept());
    for (const { instead, ...entry } of contents) kept.put({ ...entry, instead: instead && this.#cellOf(instead) });
    for (const resource of extra) kept.addExtra(this.#cellOf(resource));
    if (node !== undefined) this.#remember(node, kept);
    this.lookAgain([node]);
  }

  #remember(node: string, kept: Kept): void {
    this.#nodes.delete(node);
    this.#nodes.set(node, kept);
    const [oldest] = this.#nodes.keys();
    if (this.#nodes.size > NODES && oldest !== undefined) this.#nodes.delete(oldest);
  }

  /** After a publication: of what is not published any more nothing is to be held back. */
  settle(): void {
    if (!this.isEmpty) this.release((entry) => !this.isPublished(entry));
  }

  isPublished({ key, version }: Pick<HeldContent, 'key' | 'version'>): boolean {
    return this.catalog.versionOf(key) === version;
  }

  /** @param goes node: undefined = it is held back from everybody */
  release(goes: (entry: Pick<HeldContent, 'key' | 'version'>, node: string | undefined) => boolean): void {
    const concerned: (string | undefined)[] = [];
    for (const [node, kept] of [[undefined, this.#everyone] as const, ...this.#nodes]) {
      const gone = [...kept.entries].filter((entry) => goes(entry, node));
      for (const entry of gone) kept.drop(entry);
      if (gone.length > 0) concerned.push(node);
      if (node !== undefined && kept.size === 0) this.#nodes.delete(node);
    }
    this.lookAgain(concerned);
  }

  /** The source as this stream is to see it. */
  over(inner: Source, stream: HeldBackView): Source {
    const lookup = (type: TypeUrl, name: string): Lookup => {
      const found = inner.lookup(type, name);
      return this.isEmpty ? found : this.#inPlaceOf(found, { type, name }, stream);
    };
    const extra = (type: TypeUrl): ReadonlyMap<string, Cell> | undefined => this.#of(stream)?.extra.get(type);
    return {
      lookup,
      names: (type) => {
        const more = extra(type);
        return more ? new Set([...inner.names(type), ...more.keys()]) : inner.names(type);
      },
      members: (type, glob) => inner.members(type, glob),
      whole: (type, subscription) => (this.isEmpty ? inner.whole?.(type, subscription) : undefined),
      heldBack: (type) => this.#heldBack(type, inner, stream),
      get change() {
        return inner.change;
      },
      get expecting() {
        return inner.expecting === true;
      },
    };
  }

  #of({ node }: HeldBackView): Kept | undefined {
    const id = node();
    return id === undefined ? undefined : this.#nodes.get(id);
  }

  #entryFor(cell: Cell, stream: HeldBackView): Entry | undefined {
    const own = this.#of(stream)?.of(cell);
    if (own) return own;
    const common = this.#everyone.of(cell);
    // Who runs it lives with it.
    return common && stream.acked(cell.type, cell.name) !== cell.version ? common : undefined;
  }

  #inPlaceOf(
    found: Lookup,
    { type, name }: { readonly type: TypeUrl; readonly name: string },
    stream: HeldBackView,
  ): Lookup {
    if (found instanceof Cell) {
      const entry = this.#entryFor(found, stream);
      return entry ? (entry.instead ?? WITHHELD) : found;
    }
    return found ?? this.#of(stream)?.extra.get(type)?.get(name);
  }

  #heldBack(type: TypeUrl, inner: Source, stream: HeldBackView): readonly HeldContent[] {
    const all = [...(this.#of(stream)?.entries ?? []), ...this.#everyone.entries].filter(
      (entry) => entry.type === type,
    );
    return all.filter((entry) => {
      const found = inner.lookup(type, entry.name);
      return found instanceof Cell && this.#entryFor(found, stream) === entry;
    });
  }

  #cellOf(resource: Resource): Cell {
    return resource instanceof Cell ? resource : new Cell(resource, this.catalog);
  }
}
