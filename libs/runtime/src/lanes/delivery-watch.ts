import type { RefusedContent } from '#libs/changes';
import { shortType } from '#libs/envoy-api';
import type { NackInfo, StreamInfo } from '#libs/xds';

/** A stream that ends so soon after it was given something may have ended because of it. Milliseconds. */
export const SOON_MS = 10_000;

/** What became of one publication at the streams of this replica. Times are the clock's monotonic milliseconds. */
export class DeliveryWatch {
  readonly #waiting = new Map<number, string>();
  /** By proxy and content. */
  readonly #refused = new Map<string, RefusedContent>();
  readonly #disconnected = new Set<string>();
  /** Proxies that are away, until they show whether they have died. */
  readonly #away = new Set<string>();
  #settledAt: number;

  /**
   * @param given streams that had something to receive, with their node
   * @param isOurs whether a resource is of the change
   */
  constructor(
    readonly change: number,
    readonly publishedAt: number,
    given: ReadonlyMap<number, string>,
    private readonly isOurs: (type: string, name: string) => boolean,
  ) {
    for (const [stream, node] of given) this.#waiting.set(stream, node);
    this.#settledAt = publishedAt;
  }

  /** When the last of those that are asked about had everything; undefined while one has not. */
  settledAt(isConcerned: (node: string) => boolean): number | undefined {
    return [...this.#waiting.values()].some(isConcerned) ? undefined : this.#settledAt;
  }

  get behind(): ReadonlySet<string> {
    return new Set(this.#waiting.values());
  }

  get refused(): Iterable<RefusedContent> {
    return this.#refused.values();
  }

  get disconnected(): ReadonlySet<string> {
    return this.#disconnected;
  }

  caughtUp(stream: number, change: number, now: number): void {
    if (change < this.change || !this.#waiting.delete(stream)) return;
    this.#settledAt = now;
  }

  /** @returns whether it is about this publication */
  nacked({ node }: StreamInfo, { names, type, change, message, isolated }: NackInfo): boolean {
    const ours = isolated && change >= this.change ? names.filter((one) => this.isOurs(type, one)) : [];
    for (const name of ours) {
      const refusal = { proxy: node.id, type: shortType(type), name, message };
      this.#refused.set(`${refusal.proxy} ${refusal.type} ${name}`, refusal);
    }
    return ours.length > 0;
  }

  /** @param isOurDoing this replica ended it: that says nothing of the configuration */
  closed({ id, node }: StreamInfo, now: number, isOurDoing: boolean): void {
    if (this.#waiting.delete(id)) this.#settledAt = now;
    if (!isOurDoing && now - this.publishedAt <= SOON_MS) this.#away.add(node.id);
  }

  /**
   * It is back. Who died of what he was given comes back without anything; who was only cut off names what he holds.
   * @param resumed he names something
   */
  began({ node }: StreamInfo, resumed: boolean): void {
    if (this.#away.delete(node.id) && !resumed) this.#disconnected.add(node.id);
  }
}
