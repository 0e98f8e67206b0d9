import { Cell, type EncodeCounter, type Lookup, WITHHELD } from '../cell.js';
import type { Source } from '../delivery/board.js';
import type { Whole } from '../delivery/whole.js';
import type { Subscription } from '../subscription.js';
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
    return new SourceWithout(this, inner, stream);
  }

  /** What the stream finds under a name, where the view has `found`. */
  seen(found: Lookup, type: TypeUrl, name: string, stream: HeldBackView): Lookup {
    return this.isEmpty ? found : this.#inPlaceOf(found, { type, name }, stream);
  }

  /** What earlier contents need, and the view may not have any more. */
  extra(type: TypeUrl, stream: HeldBackView): ReadonlyMap<string, Cell> | undefined {
    return this.#of(stream)?.extra.get(type);
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

  /** Contents of the type that the view has and the stream is not sent. */
  from(type: TypeUrl, inner: Source, stream: HeldBackView): readonly HeldContent[] {
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

/** The resources of a stream without what is held back from it. A class: a stream has few objects of its own. */
class SourceWithout implements Source {
  constructor(
    private readonly kept: HeldBack,
    private readonly inner: Source,
    private readonly stream: HeldBackView,
  ) {}

  lookup(type: TypeUrl, name: string): Lookup {
    return this.kept.seen(this.inner.lookup(type, name), type, name, this.stream);
  }

  names(type: TypeUrl): Iterable<string> {
    const names = this.inner.names(type);
    const more = this.kept.isEmpty ? undefined : this.kept.extra(type, this.stream);
    return more ? new Set([...names, ...more.keys()]) : names;
  }

  members(type: TypeUrl, glob: string): Iterable<string> {
    return this.inner.members(type, glob);
  }

  whole(type: TypeUrl, subscription: Subscription): Whole | undefined {
    return this.kept.isEmpty ? this.inner.whole?.(type, subscription) : undefined;
  }

  heldBack(type: TypeUrl): readonly HeldContent[] {
    return this.kept.from(type, this.inner, this.stream);
  }

  get change(): number {
    return this.inner.change;
  }

  get expecting(): boolean {
    return this.inner.expecting === true;
  }
}
