import { TYPE } from '#libs/envoy-api';
import type { Closing, RecentContent, Resource } from '#libs/xds';

/** A content that a proxy died of twice. */
export interface Blame {
  readonly content: Resource;
  /** What it lived with under the same key. */
  readonly before: Resource | undefined;
  /** Change with which it was first sent. */
  readonly change: number;
}

export interface Verdict {
  readonly blamed: readonly Blame[];
  /** What the contents before need: clusters, and their endpoints. */
  readonly needed: readonly Resource[];
}

interface Strikes {
  count: number;
  at: number;
  readonly recent: RecentContent;
}

/** A proxy whose stream ended soon after it was sent something. */
interface Suspected {
  /** It ran something for longer than a moment: without, nothing can be told from anything. */
  stable: boolean;
  /** By key: that, and what was replaced a moment ago. */
  readonly survived: Map<string, Resource>;
  readonly strikes: Map<string, Strikes>;
  /** Of the last end, until it is known whether the proxy has died. */
  pending: readonly RecentContent[];
  /** Milliseconds of the monotonic clock. */
  endedAt: number;
}

/** Proxies that are remembered; beyond it those are forgotten that ended first. */
const NODES = 200;
/** Two deaths further apart have nothing to do with one another. Milliseconds. */
const FORGET_MS = 3_600_000;
/** Who comes back later than this was away for another reason. Milliseconds. */
const BACK_WITHIN_MS = 600_000;
const STRIKES = 2;
const NOBODY: Verdict = { blamed: [], needed: [] };

/**
 * Finds contents that a proxy dies of (REL-26): its stream ends, not by us, within 10 s of being sent them, and it comes back
 * without anything it held. That it comes back empty tells a death from a lost connection: an Envoy that is cut off, by a
 * network, a replica that ends or a drain, names on its next stream what it holds. What it ran for longer before, or what is
 * the same as before, is not suspected; of one that never ran for longer nothing is known, and nothing is blamed.
 */
export class CrashTracker {
  readonly #nodes = new Map<string, Suspected>();

  /** @param alive it has another stream @param now milliseconds of the monotonic clock */
  ended(node: string, closing: Closing, { alive, now }: { readonly alive: boolean; readonly now: number }): void {
    if (closing.by === 'server' || alive) return;
    const sent = closing.recent();
    const recent = sent.filter(({ content }) => content.type !== TYPE.endpoint);
    const known = this.#nodes.get(node);
    if (recent.length === 0 && !known) return;
    const suspected = known ?? { stable: false, survived: new Map(), strikes: new Map(), pending: [], endedAt: now };
    suspected.endedAt = now;
    noteSurvived(suspected, sent, closing.held());
    const isNews = ({ content }: RecentContent): boolean =>
      suspected.survived.get(content.key)?.version !== content.version;
    suspected.pending = suspected.stable ? recent.filter(isNews) : [];
    this.#nodes.delete(node);
    if (suspected.pending.length > 0 || suspected.strikes.size > 0) this.#nodes.set(node, suspected);
    const [oldest] = this.#nodes.keys();
    if (this.#nodes.size > NODES && oldest !== undefined) this.#nodes.delete(oldest);
  }

  /** Its next stream begins. @param resumed it holds what it held: it has not died @returns what it died of twice */
  began(node: string, resumed: boolean, now: number): Verdict {
    const suspected = this.#nodes.get(node);
    if (!suspected) return NOBODY;
    const { pending, strikes, survived, endedAt } = suspected;
    suspected.pending = [];
    for (const [key, { at }] of strikes) if (now - at > FORGET_MS) strikes.delete(key);
    const died = !resumed && now - endedAt <= BACK_WITHIN_MS;
    const guilty = died ? pending.flatMap((recent) => strike(strikes, recent, now) ?? []) : [];
    const blamed = guilty.map(blameOf(survived));
    for (const { content } of blamed) strikes.delete(idOf(content));
    if (strikes.size === 0 && blamed.length === 0) this.#nodes.delete(node);
    return { blamed, needed: neededBy(blamed, survived) };
  }
}

const idOf = ({ key, version }: Resource): string => `${version} ${key}`;

/** What it held and was not sent just now, and what it held before that. */
function noteSurvived(suspected: Suspected, recent: readonly RecentContent[], held: readonly Resource[]): void {
  const { survived, strikes } = suspected;
  const fresh = new Set(recent.map(({ content }) => idOf(content)));
  for (const content of held) {
    if (fresh.has(idOf(content))) continue;
    suspected.stable = true;
    survived.set(content.key, content);
    strikes.delete(idOf(content));
  }
  for (const { before } of recent) if (before && !survived.has(before.key)) survived.set(before.key, before);
}

/** @returns at the last one, what it was when it first was suspected: the change that brought it, not a reconnect */
function strike(strikes: Map<string, Strikes>, recent: RecentContent, now: number): RecentContent | undefined {
  const id = idOf(recent.content);
  const known = strikes.get(id) ?? { count: 0, at: now, recent };
  known.count += 1;
  known.at = now;
  strikes.set(id, known);
  return known.count >= STRIKES ? known.recent : undefined;
}

const blameOf =
  (survived: ReadonlyMap<string, Resource>) =>
  ({ content, change }: RecentContent): Blame => ({ content, change, before: survived.get(content.key) });

function neededBy(blamed: readonly Blame[], survived: ReadonlyMap<string, Resource>): readonly Resource[] {
  const wanted = new Set(blamed.flatMap(({ before }) => (before?.requires ?? []).map(({ name }) => name)));
  if (wanted.size === 0) return [];
  // Endpoints bear the name of their cluster.
  return [...survived.values()].filter(
    ({ type, name }) => (type === TYPE.cluster || type === TYPE.endpoint) && wanted.has(name),
  );
}
