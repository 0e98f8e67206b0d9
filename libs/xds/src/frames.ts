import { contentHash } from '#libs/kernel';
import type { Cell } from './cell.js';
import type { TypeUrl } from './types.js';
import { beatDelta, timedDelta, timedSotw } from './wire/lifetime.js';
import { deltaFrame, OutgoingMessage, sotwFrame } from './wire/message.js';

/**
 * How resources are written: as they are; with their times to live, for clients that know them (TTL-1); or as a sign of
 * life, which in delta has no contents (TTL-2, TTL-3).
 */
export type Form = 'plain' | 'timed' | 'beat';

/** The contents of a response, before it has a nonce. */
export interface FrameContent {
  readonly variant: 'delta' | 'sotw';
  readonly form: Form;
  readonly type: TypeUrl;
  readonly cells: readonly Cell[];
  readonly removed: readonly string[];
  /** Of the view, where its owner chose one. */
  readonly version?: string | undefined;
}

/** From so many resources on the key of a list is remembered. */
const LONG = 16;

interface Frame {
  readonly pieces: readonly Buffer[];
  readonly length: number;
  /** False while only one stream has asked for it: its pieces are not worth a copy yet. */
  readonly joined: boolean;
}

/**
 * Response bodies by their content, shared by all streams that send the same: a fan-out to a thousand streams builds
 * one body. A body is joined into one buffer when it is asked for a second time, so that what only one client gets (its
 * own listeners) costs no copy. Least recently used bodies leave beyond the bound.
 */
export class FrameCache {
  readonly #frames = new Map<string, Frame>();
  /** Keys of long lists, which many streams share, by the list: to write 200 numbers takes 10 us. */
  readonly #keys = new WeakMap<readonly Cell[], { readonly about: string; readonly key: string }>();
  #bytes = 0;
  #serials = 0;
  hits = 0;
  misses = 0;

  constructor(private readonly maxBytes: number) {}

  /** The content as a message with this nonce. */
  message(content: FrameContent, nonce: string): OutgoingMessage {
    const frame = this.#frame(content);
    return new OutgoingMessage(frame.pieces, frame.length, nonce);
  }

  #frame(asked: FrameContent): Frame {
    const key = this.#keyOf(asked);
    const known = this.#frames.get(key);
    if (!known) {
      this.misses++;
      return this.#keep(key, build(inOrder(asked)));
    }
    this.hits++;
    this.#drop(key, known);
    return this.#keep(key, known.joined ? known : join(known));
  }

  #keyOf(asked: FrameContent): string {
    const { cells } = asked;
    const about = aboutOf(asked);
    const known = this.#keys.get(cells);
    if (known?.about === about) return known.key;
    for (const cell of cells) if (cell.serial === 0) cell.serial = ++this.#serials;
    const key = about + serialsOf(inOrder(asked).cells);
    if (cells.length >= LONG) this.#keys.set(cells, { about, key });
    return key;
  }

  #keep(key: string, frame: Frame): Frame {
    this.#frames.set(key, frame);
    this.#bytes += cost(key, frame);
    for (const [oldest, value] of this.#frames) {
      if (this.#bytes <= this.maxBytes || oldest === key) break;
      this.#drop(oldest, value);
    }
    return frame;
  }

  #drop(key: string, frame: Frame): void {
    this.#frames.delete(key);
    this.#bytes -= cost(key, frame);
  }
}

/**
 * The same resources are the same body, in whatever order they were asked for: an Envoy names them in the order of a hash
 * table, which is another one in every process, and the order within a response means nothing.
 */
function inOrder(content: FrameContent): FrameContent {
  const { cells } = content;
  const isInOrder = cells.every((cell, index) => index === 0 || (cells[index - 1]?.serial ?? 0) < cell.serial);
  return isInOrder ? content : { ...content, cells: cells.toSorted((a, b) => a.serial - b.serial) };
}

/** What a frame keeps alive: pieces belong to their cells, but may be the last to hold on to them. */
const cost = (key: string, frame: Frame): number => key.length + frame.length;

/** What a body depends on beside its resources. */
const aboutOf = ({ variant, form, type, removed, version = '' }: FrameContent): string =>
  `${variant}${form === 'plain' ? '' : form}\n${type}\n${version}\n${removed.length === 0 ? '' : JSON.stringify(removed)}\n`;

const serialsOf = (cells: readonly Cell[]): string =>
  cells.length === 1 ? String(cells[0]?.serial) : cells.map((cell) => cell.serial).join(',');

function build({ variant, form, type, cells, removed, version }: FrameContent): Frame {
  const head = variant === 'delta' ? deltaFrame(type, removed, version) : sotwFrame(type, version ?? setVersion(cells));
  const pieces = [...head, ...(form === 'plain' ? plain(variant, cells) : cells.flatMap(WRITTEN[variant][form]))];
  return { pieces, length: pieces.reduce((sum, piece) => sum + piece.length, 0), joined: false };
}

const plain = (variant: 'delta' | 'sotw', cells: readonly Cell[]): Buffer[] =>
  variant === 'delta' ? cells.map((cell) => cell.delta) : cells.map((cell) => cell.sotw);

const WRITTEN = {
  delta: { timed: timedDelta, beat: beatDelta },
  sotw: { timed: timedSotw, beat: timedSotw },
} as const;

const join = (frame: Frame): Frame => ({ pieces: [Buffer.concat(frame.pieces)], length: frame.length, joined: true });

/** SOTW-2: one version for the set, which changes if and only if the set does, and is the same after a restart. */
export function setVersion(cells: readonly Cell[]): string {
  return contentHash(
    cells
      .map((cell) => `${cell.name.length}:${cell.name}${cell.version}`)
      .sort()
      .join('\n'),
  );
}
