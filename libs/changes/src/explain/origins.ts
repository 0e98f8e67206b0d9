/** Who wrote what an explanation names: asked of the store once, for all of it. */

import { type ResourceId, resourceKey } from '#libs/model';
import type { History } from '#libs/store';
import { type Known, type Written } from './types.js';

export type OriginStore = Pick<History, 'origins'>;

/** A resource that an explanation is going to name. */
export interface Named extends ResourceId {
  readonly revision?: number | undefined;
}

/** Collects what is to be named, and knows who wrote it once `load` is through. */
export class Origins {
  readonly #named = new Map<string, Named>();
  readonly #known = new Map<string, Written>();

  constructor(
    private readonly store: OriginStore,
    private readonly mesh: string,
  ) {}

  add(...all: readonly Named[]): void {
    for (const { kind, namespace, name, revision } of all) {
      const key = resourceKey({ kind, namespace, name });
      const known = this.#named.get(key);
      this.#named.set(key, { kind, namespace, name, revision: revision ?? known?.revision });
    }
  }

  /** @throws StoreUnavailable */
  async load(): Promise<void> {
    const named = [...this.#named.values()].filter(({ kind }) => kind !== 'Proxy');
    const origins = await this.store.origins(this.mesh, named);
    for (const [i, { kind, namespace, name, revision }] of named.entries()) {
      const origin = origins[i];
      const id = { kind, namespace, name };
      this.#known.set(resourceKey(id), {
        ...id,
        labels: origin?.labels,
        revision: origin?.revision ?? revision,
        change: origin?.change,
        actor: origin?.actor,
        at: origin?.at,
      });
    }
  }

  written({ kind, namespace, name }: ResourceId): Written {
    const id = { kind, namespace, name };
    return (
      this.#known.get(resourceKey(id)) ?? {
        ...id,
        revision: undefined,
        change: undefined,
        actor: undefined,
        at: undefined,
      }
    );
  }

  known(id: ResourceId): Known {
    const { kind, namespace, name, labels } = this.written(id);
    return { kind, namespace, name, labels };
  }
}
