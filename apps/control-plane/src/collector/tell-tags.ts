import { createScraping, type LiveMeshes } from '#libs/changes';
import { type Clock, type Log, Turns } from '#libs/kernel';
import type { MeshTags } from './mesh-export.js';

export interface TagSource {
  /** Undefined until the meshes are compiled. */
  readonly live: () => LiveMeshes | undefined;
  readonly meshes: () => Promise<readonly string[]>;
}

const EVERY_MS = 5_000;
/** Any mesh says at which revision all of them are. */
const ANY_MESH = 'default';

/**
 * Looks whether policies or instances have changed, and tells what is said of who calls and is called by then. What goes wrong
 * is tried again: an edge without tags is an edge all the same.
 * @returns ends it
 */
export function tellTags(
  { live, meshes }: TagSource,
  tell: (tags: MeshTags) => void,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): () => void {
  let told = '';
  const look = async (): Promise<void> => {
    const found = live();
    const now = await found?.(ANY_MESH, false);
    const revision = now && `${now.configRevision} ${now.runtimeRevision}`;
    if (!found || revision === undefined || revision === told) return;
    const scraping = createScraping(found);
    const tags: [string, MeshTags[string]][] = [];
    for (const mesh of await meshes()) {
      const shared = await scraping.shared(mesh);
      if (shared) tags.push([mesh, shared]);
    }
    tell(Object.fromEntries(tags));
    told = revision;
  };
  const failed = (cause: unknown): void =>
    log.debug('the tags of the meshes cannot be told yet', { reason: String(cause) });
  const looks = new Turns(() => look().catch(failed));
  looks.start(clock, EVERY_MS);
  return () => void looks.stop();
}
