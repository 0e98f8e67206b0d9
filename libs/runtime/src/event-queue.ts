import type { FeedEvent } from '#libs/store';
import type { Delta } from './ingest.js';

/** More changed instances at once than this are no quick pass: they wait for the long one. */
const MOST_OVERTAKING = 256;

/** Events that arrived during a compilation, in order. */
export class EventQueue {
  #events: FeedEvent[] = [];
  #config = 0;
  /** Something of the runtime waits: what came later must not overtake it. */
  #holdsInstances = false;

  get isEmpty(): boolean {
    return this.#events.length === 0;
  }

  /** Config revision of what has been taken. */
  noteConfig(revision: number): void {
    this.#config = revision;
  }

  /**
   * Queues an event. A snapshot takes the place of everything before it.
   * @returns what need not wait: changes of instances, which no config revision depends on
   */
  add(event: FeedEvent): Delta | undefined {
    if (event.kind === 'snapshot') {
      this.clear();
      this.#events.push(event);
      return undefined;
    }
    const overtakes = !this.#holdsInstances && event.instances.length <= MOST_OVERTAKING;
    const rest = overtakes ? { ...event, instances: [] } : event;
    const waits = rest.resources.length + rest.instances.length + rest.addresses.size + rest.candidates.size > 0;
    if (waits || event.configRevision > this.#config) this.#events.push(rest);
    this.#holdsInstances ||= rest.instances.length > 0;
    this.#config = Math.max(this.#config, event.configRevision);
    if (!overtakes || event.instances.length === 0) return undefined;
    return { ...event, resources: [], addresses: new Map(), candidates: new Map() };
  }

  /** All of them; they make one compilation. */
  take(): FeedEvent[] {
    const events = this.#events;
    this.clear();
    return events;
  }

  clear(): void {
    this.#events = [];
    this.#holdsInstances = false;
  }
}
