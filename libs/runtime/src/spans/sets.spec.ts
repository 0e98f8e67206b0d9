import { describe, expect, it } from 'vitest';
import { contentHash } from '#libs/kernel';
import type { HeldEntry, NewArtifact, NewManifest } from '#libs/store';
import type { Content } from './contents.js';
import { Fingerprint } from './fingerprint.js';
import { type KnownSet, KnownSets } from './sets.js';

const HOUR = 3_600_000;

/** What was handed on to be stored, and contents with ids as the engine gives them. */
class Shelf {
  readonly artifacts: NewArtifact[] = [];
  readonly manifests: NewManifest[] = [];
  readonly #ids = new Map<string, number>();
  now = 0;
  steps = 0;
  readonly sets = new KnownSets(() => this.now, {
    artifact: (artifact) => void this.artifacts.push(artifact),
    manifest: (manifest) => void this.manifests.push(manifest),
  });

  content(name: string, text: string, known = true): Content {
    const id = this.#ids.get(`${name} ${text}`) ?? this.#ids.size + 1;
    this.#ids.set(`${name} ${text}`, id);
    const bytes = known ? { bytes: Buffer.from(text) } : {};
    return { type: 'CDS', name, holding: { id, version: contentHash(text), ...bytes } };
  }

  many(count: number, texts: Readonly<Record<number, string>> = {}): Content[] {
    return Array.from({ length: count }, (_, i) => this.content(`shop/s${i}/80`, texts[i] ?? `${i}`));
  }

  make(contents: readonly Content[], before?: KnownSet, mesh = 'default'): KnownSet {
    const print = new Fingerprint();
    for (const { holding } of contents) print.add(holding.id);
    const known = this.sets.known(mesh, print.text);
    if (known) return known;
    const steps = this.sets.make(contents, print.text, { mesh, revision: 1, before });
    for (;;) {
      const step = steps.next();
      if (step.done) return step.value;
      this.steps += 1;
    }
  }

  /** What a reader makes of what was stored. */
  stored(hash: string): readonly string[] {
    const manifest = this.manifests.find((one) => one.hash === hash);
    const base = this.manifests.find((one) => one.hash === manifest?.base);
    const all = new Map([...(base?.entries ?? []), ...(manifest?.entries ?? [])].map((entry) => [entry[1], entry]));
    return [...all.values()]
      .filter(([, , of]) => of !== '')
      .map(printed)
      .sort();
  }
}

const printed = ([type, name, hash]: HeldEntry): string => `${type} ${name} ${hash}`;
const entriesOf = (contents: readonly Content[]): readonly string[] =>
  contents.map(({ type, name, holding }) => printed([type, name, holding.version])).sort();

describe('sets of contents', () => {
  it('have the same name in any order, on every replica, and another one for any difference', () => {
    const [a, b] = [new Shelf(), new Shelf()];
    const name = a.make(a.many(300)).hash;
    expect(b.make(b.many(300).reverse()).hash).toBe(name);
    expect(b.make(b.many(299)).hash).not.toBe(name);
    expect(b.make(b.many(300, { 7: 'other' })).hash).not.toBe(name);
    expect(b.make([]).hash).not.toBe(name);
  });

  it('are stored once, and what differs little as its difference', () => {
    const shelf = new Shelf();
    const first = shelf.make(shelf.many(300));
    expect([shelf.artifacts.length, shelf.manifests.length]).toEqual([300, 1]);
    expect(shelf.make(shelf.many(300))).toEqual(first);
    expect(shelf.manifests).toHaveLength(1);
    const changed = [...shelf.many(300, { 7: 'other' }).slice(1), shelf.content('shop/new/80', 'new')];
    const second = shelf.make(changed, first);
    expect(second.whole).toBe(first.hash);
    expect(shelf.manifests[1]).toMatchObject({ base: first.hash, entries: { length: 3 } });
    expect(shelf.artifacts).toHaveLength(302);
    // The next is compared with the same whole set, not with the difference.
    const third = shelf.make(shelf.many(300, { 7: 'other', 8: 'other, too' }), second);
    expect(shelf.manifests[2]).toMatchObject({ base: first.hash, entries: { length: 2 } });
    for (const [set, contents] of [
      [first, shelf.many(300)],
      [second, changed],
      [third, shelf.many(300, { 7: 'other', 8: 'other, too' })],
    ] as const)
      expect(shelf.stored(set.hash)).toEqual(entriesOf(contents));
  });

  it('are stored whole when they are small, or little is left of the one before', () => {
    const shelf = new Shelf();
    const small = shelf.make(shelf.many(10));
    expect(shelf.make(shelf.many(10, { 1: 'other' }), small).whole).not.toBe(small.hash);
    const large = shelf.make(shelf.many(300));
    const texts = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [i, 'other']));
    const other = shelf.make(shelf.many(300, texts), large);
    expect(other.whole).toBe(other.hash);
    expect(shelf.manifests.map(({ base }) => base)).toEqual([undefined, undefined, undefined, undefined]);
  });

  it('of one mesh are nothing to another', () => {
    const shelf = new Shelf();
    shelf.make(shelf.many(3));
    shelf.make(shelf.many(3), undefined, 'other');
    expect(shelf.manifests.map(({ mesh }) => mesh)).toEqual(['default', 'other']);
    expect(shelf.artifacts).toHaveLength(6);
  });

  it('are handed on again after half a day, and when they were lost', () => {
    const shelf = new Shelf();
    shelf.make(shelf.many(3));
    shelf.now = 11 * HOUR;
    shelf.make(shelf.many(3));
    expect(shelf.manifests).toHaveLength(1);
    shelf.now = 13 * HOUR;
    shelf.make(shelf.many(3));
    expect([shelf.manifests.length, shelf.artifacts.length]).toEqual([2, 6]);
    shelf.sets.forget();
    shelf.make(shelf.many(3));
    expect([shelf.manifests.length, shelf.artifacts.length]).toEqual([3, 9]);
  });

  it('may hold what is only known by its version', () => {
    const shelf = new Shelf();
    const contents = [shelf.content('a', 'a'), shelf.content('b', 'b', false)];
    const { hash } = shelf.make(contents);
    expect(shelf.artifacts.map(({ name }) => name)).toEqual(['a']);
    expect(shelf.stored(hash)).toEqual(entriesOf(contents));
  });

  it('are made in many small steps when they are large', () => {
    const shelf = new Shelf();
    shelf.make(shelf.many(10_000));
    expect(shelf.steps).toBeGreaterThan(100);
  });
});
