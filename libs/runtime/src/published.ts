/** What comes of a pass, as the engine and everybody else is told of it. */
import type { CompiledChange } from '#libs/compiler';
import type { Publication } from '#libs/xds';

/** What one publication was made of: links the engine's change numbers to revisions. */
export interface PublishedChange {
  readonly change: number;
  readonly mesh: string;
  readonly configRevision: number;
  readonly runtimeRevision: number;
  /** How many resources, layers and views were set or removed: with none, nobody has anything to receive. */
  readonly touched: number;
  /** What was set. */
  readonly resources: readonly { readonly type: string; readonly name: string }[];
  /** Instances came, went, or are seen otherwise: streams may belong to other views. */
  readonly viewsChanged: boolean;
  /** Of the lane of a staged change: which, and the revision of its step. */
  readonly lane?: { readonly id: string; readonly revision: number } | undefined;
}

/** A pass that was published. */
export interface AdoptedPass {
  readonly configRevision: number;
  /** From its begin to its publication. Milliseconds. */
  readonly tookMs: number;
  /** Turns of the event loop that it took. */
  readonly slices: number;
  /** Queries that were computed. */
  readonly computed: number;
  readonly published: readonly { readonly mesh: string; readonly change: number; readonly compiled: CompiledChange }[];
}

/** How many resources, layers and views were set or removed. */
export const touchedBy = ({ set, removed, layers, removedLayers, views, removedViews }: CompiledChange): number =>
  [set, removed, layers, removedLayers, views, removedViews].reduce((sum, { length }) => sum + length, 0);

export function publication(change: number, compiled: CompiledChange): Publication {
  const { set, removed, layers, removedLayers, views, removedViews } = compiled;
  return { change, set, removed, layers, removedLayers, views, removedViews };
}
