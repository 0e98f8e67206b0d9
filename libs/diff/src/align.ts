/** Which item of one list is which of another. */
import { canonicalJson } from '#libs/kernel';

export interface Pair {
  /** As a path names the item. */
  readonly id: string;
  /** Undefined where the list has no such item. */
  readonly before: unknown;
  readonly after: unknown;
}

export interface Alignment {
  /** In the order of the later list; items that are gone come where they were. */
  readonly pairs: readonly Pair[];
  /** Set when items that both lists have are in another order. */
  readonly moved: { readonly before: readonly string[]; readonly after: readonly string[] } | undefined;
}

/** Items that both have an identity are matched by it; others by equality, in order, then place by place. */
export function align(before: readonly unknown[], after: readonly unknown[]): Alignment {
  const old = identities(before);
  const now = identities(after);
  return old && now ? byIdentity({ before, after }, old, now) : byContent(before, after);
}

interface Lists {
  readonly before: readonly unknown[];
  readonly after: readonly unknown[];
}

function byIdentity({ before, after }: Lists, old: readonly string[], now: readonly string[]): Alignment {
  const earlier = new Map(old.map((id, i) => [id, before[i]]));
  const later = new Map(now.map((id, i) => [id, after[i]]));
  const pairs = now.map((id): Pair => ({ id, before: earlier.get(id), after: later.get(id) }));
  const gone = old
    .filter((id) => !later.has(id))
    .map((id): Pair => ({ id, before: earlier.get(id), after: undefined }));
  const stayedBefore = old.filter((id) => later.has(id));
  const stayedAfter = now.filter((id) => earlier.has(id));
  const isMoved = stayedBefore.some((id, i) => id !== stayedAfter[i]);
  return { pairs: [...pairs, ...gone], moved: isMoved ? { before: stayedBefore, after: stayedAfter } : undefined };
}

/** What tells every item of a list from the others; undefined when something about them does not. */
function identities(items: readonly unknown[]): readonly string[] | undefined {
  const seen = new Map<string, number>();
  const ids: string[] = [];
  for (const item of items) {
    const id = identityOf(item);
    if (id === undefined) return undefined;
    const earlier = seen.get(id) ?? 0;
    seen.set(id, earlier + 1);
    // Envoy routes of one rule share a name: the second of them is the second.
    ids.push(earlier === 0 ? id : `${id}#${earlier + 1}`);
  }
  return ids;
}

type Fields = Readonly<Record<string, unknown>>;

const text = (value: unknown): string => (typeof value === 'string' || typeof value === 'number' ? `${value}` : '');

const fields = (value: unknown): Fields | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;

/** A reference by what it names, an endpoint by its address, anything else by its name. */
function identityOf(item: unknown): string | undefined {
  const one = fields(item);
  if (!one) return undefined;
  const address = fields(fields(fields(one['endpoint'])?.['address'])?.['socketAddress']);
  if (address) return `${text(address['address'])}:${text(address['portValue'])}`;
  const name = text(one['name']);
  if (name === '') return undefined;
  return `${prefix(one['kind'], ' ', 'Service')}${prefix(one['namespace'], '/')}${name}${suffix(':', one['port'])}${suffix('/', one['subset'])}`;
}

const prefix = (value: unknown, end: string, usual = ''): string =>
  text(value) === '' || value === usual ? '' : `${text(value)}${end}`;
const suffix = (start: string, value: unknown): string => (text(value) === '' ? '' : `${start}${text(value)}`);

/** Above this many comparisons items are matched place by place. */
const MAX_COMPARISONS = 1_000_000;

function byContent(before: readonly unknown[], after: readonly unknown[]): Alignment {
  const same = before.length * after.length > MAX_COMPARISONS ? [] : commonSubsequence(before, after);
  const pairs: Pair[] = [];
  let [i, j] = [0, 0];
  for (const [nextOld, nextNow] of [...same, [before.length, after.length] as const]) {
    while (i < nextOld || j < nextNow) {
      const old = i < nextOld ? before[i] : undefined;
      const now = j < nextNow ? after[j] : undefined;
      pairs.push({ id: String(now === undefined ? i : j), before: old, after: now });
      i += old === undefined ? 0 : 1;
      j += now === undefined ? 0 : 1;
    }
    [i, j] = [nextOld + 1, nextNow + 1];
  }
  return { pairs, moved: undefined };
}

/** Places of a longest common subsequence, by canonical content. */
function commonSubsequence(before: readonly unknown[], after: readonly unknown[]): (readonly [number, number])[] {
  const old = before.map(canonicalJson);
  const now = after.map(canonicalJson);
  const width = now.length + 1;
  const length = new Uint32Array((old.length + 1) * width);
  const at = (i: number, j: number): number => length[i * width + j] ?? 0;
  for (let i = old.length - 1; i >= 0; i -= 1) {
    for (let j = now.length - 1; j >= 0; j -= 1) {
      length[i * width + j] = old[i] === now[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const places: (readonly [number, number])[] = [];
  for (let i = 0, j = 0; i < old.length && j < now.length; ) {
    if (old[i] === now[j]) {
      places.push([i, j]);
      i += 1;
      j += 1;
    } else if (at(i + 1, j) >= at(i, j + 1)) i += 1;
    else j += 1;
  }
  return places;
}
