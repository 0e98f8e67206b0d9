import { type Scraping, type SharedTags, scrapingIn, sharedTags } from '#libs/compiler';
import type { InstanceSpec } from '#libs/model';
import type { LiveMeshes } from './live.js';
import { inTurns } from './turns.js';

export type { Scraping, SharedTags } from '#libs/compiler';

/** How the statistics of sidecars are read: what policies say of it, of which no Envoy is told. */
export interface ScrapingReader {
  /** @returns for any registered instance of the mesh; without a word of policies where this replica compiles nothing */
  of(mesh: string): Promise<(instance: InstanceSpec) => Scraping>;
  /** Passes come meanwhile: each instance is as one of them has it. @returns undefined where this replica compiles nothing */
  shared(mesh: string): Promise<SharedTags | undefined>;
}

const PLAIN: Scraping = { tags: {}, detail: undefined };

export const createScraping = (live: LiveMeshes): ScrapingReader => ({
  async of(mesh) {
    const found = await live(mesh, false);
    return found ? scrapingIn(found.graph.ctx) : () => PLAIN;
  },
  async shared(mesh) {
    const found = await live(mesh, false);
    return found && inTurns(sharedTags(found.graph.ctx, found.graph.instances));
  },
});
