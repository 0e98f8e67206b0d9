import type { MeshGraph } from '#libs/compiler';
import type { PassBudget } from '#libs/incremental';
import type { ResourceId } from '#libs/model';

/** A mesh as this replica compiles it: what changes are evaluated beside. */
export interface LiveMesh {
  readonly graph: MeshGraph;
  /** Of the graph's last pass. */
  readonly configRevision: number;
  readonly runtimeRevision: number;
  /** A turn of the event loop, from now on. */
  slice(): PassBudget;
  /** Whether a registered proxy, `<namespace>/<instance>`, has a stream to some replica. */
  isConnected(proxy: string): boolean;
  /** The change on trial that a proxy is given before others; undefined = none. */
  trialOf?(proxy: string): string | undefined;
  /** Resources that refer to this one. */
  usersOf(id: ResourceId): readonly ResourceId[];
}

/**
 * Finds a mesh; undefined = this replica compiles nothing, so writes are stored without having been evaluated, and there
 * are no plans.
 * @param fresh wait until everything is compiled that was committed before the call
 */
export type LiveMeshes = (mesh: string, fresh: boolean) => Promise<LiveMesh | undefined>;
