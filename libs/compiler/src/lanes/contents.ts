import type { Difference } from '#libs/incremental';
import { LAYERS, RESOURCES } from '../layers.js';
import { resourceCell } from '../names.js';
import type { Encoded } from '../resource.js';
import { VIEW } from '../views.js';

/** In what a lane differs from the mesh, by cell; views by instance. What does not compile in it is not there. */
export interface LaneContents {
  readonly resources: ReadonlyMap<string, Encoded>;
  readonly lists: ReadonlyMap<string, readonly string[]>;
  readonly views: ReadonlyMap<string, readonly string[]>;
}

export function readContents({ changed }: Difference): LaneContents {
  const resources = new Map<string, Encoded>();
  const lists = new Map<string, readonly string[]>();
  const views = new Map<string, readonly string[]>();
  for (const { kind, key, value, error } of changed) {
    if (error) continue;
    if (kind === VIEW.name) views.set(key, value as readonly string[]);
    else if (LAYERS.has(kind)) lists.set(resourceCell(kind, key), value as readonly string[]);
    else if (RESOURCES.has(kind)) resources.set(resourceCell(kind, key), value as Encoded);
  }
  return { resources, lists, views };
}
