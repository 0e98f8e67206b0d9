import { contentHash } from '#libs/kernel';
import type { XdsServer } from './server.js';
import type { Publication, Ref, Resource, TypeUrl } from './types.js';

export interface StagedOptions extends Pick<Resource, 'aliases' | 'ttlMs' | 'onDemand'> {
  /** Only clients that the gatekeeper admits to this view get it, and rather than one of the same name for everybody. */
  readonly view?: string;
  /** Sent literally; changes if and only if the bytes do. Default: their hash. */
  readonly version?: string;
  /** What must be active in the client first; default: nothing. */
  readonly requires?: readonly Ref[];
}

/** The view of clients for whom nothing of their own was ever staged; a gatekeeper's `admit` returns it for them. */
const EVERYBODY = 'everybody';

/**
 * A server's content for those who have no layers of their own: resources are set and removed one by one, and go out
 * together at the next commit. Before the first commit nobody is served (GEN-16). One stage a server, and nobody else
 * may publish to it.
 */
export class Stage {
  static readonly EVERYBODY = EVERYBODY;
  readonly #keysOf = new Map<string, Set<string>>([[EVERYBODY, new Set()]]);
  #set = new Map<string, Resource>();
  #removed = new Set<string>();
  #change = 0;

  constructor(private readonly server: Pick<XdsServer, 'publish'>) {}

  set(type: TypeUrl, name: string, bytes: Uint8Array, options: StagedOptions = {}): this {
    const { view = EVERYBODY, version = contentHash(bytes), requires = [], ...extras } = options;
    const key = keyOf(view, type, name);
    this.#keys(view).add(key);
    this.#removed.delete(key);
    this.#set.set(key, { key, type, name, version, bytes, requires, ...extras });
    return this;
  }

  /** Removing what is not there does nothing. */
  remove(type: TypeUrl, name: string, { view = EVERYBODY }: Pick<StagedOptions, 'view'> = {}): this {
    const key = keyOf(view, type, name);
    this.#set.delete(key);
    if (this.#keys(view).delete(key)) this.#removed.add(key);
    return this;
  }

  /**
   * Publishes everything staged as one change.
   * @param version sent literally with every response, as `version_info` or `system_version_info`; default: hashes
   * @returns the number of the change, as `progress` and the delivery listener know it
   */
  commit(version?: string): number {
    const ids = [...this.#keysOf.keys()];
    const layersOf = (id: string): string[] => (id === EVERYBODY ? [EVERYBODY] : [EVERYBODY, id]);
    this.#publish({
      set: [...this.#set.values()],
      removed: [...this.#removed],
      layers: ids.map((id) => ({ id, keys: [...this.#keys(id)] })),
      views: ids.map((id) => ({ id, layers: layersOf(id), ...(version === undefined ? {} : { version }) })),
    });
    this.#set = new Map();
    this.#removed = new Set();
    return this.#change;
  }

  /** Forgets all there is and tells nobody: clients keep what they hold, and new ones wait for the next commit. */
  clear(): void {
    const ids = [...this.#keysOf.keys()];
    const removed = [...this.#keysOf.values()].flatMap((keys) => [...keys]);
    // The views first: without them a removal concerns nobody.
    if (this.#change > 0) this.#publish({ removedViews: ids });
    if (this.#change > 0) this.#publish({ removedLayers: ids, removed: [...removed, ...this.#removed] });
    this.#keysOf.clear();
    this.#keysOf.set(EVERYBODY, new Set());
    this.#set = new Map();
    this.#removed = new Set();
  }

  #keys(view: string): Set<string> {
    const keys = this.#keysOf.get(view) ?? new Set();
    this.#keysOf.set(view, keys);
    return keys;
  }

  #publish(part: Partial<Publication>): void {
    this.#change++;
    const nothing = { set: [], removed: [], layers: [], removedLayers: [], views: [], removedViews: [] };
    this.server.publish({ ...nothing, ...part, change: this.#change });
  }
}

const keyOf = (view: string, type: TypeUrl, name: string): string => `${view}\n${type}\n${name}`;
