/** What the dashboard knows of who uses it. */

export type HomeName = 'owner' | 'operator' | 'security' | 'release' | 'auditor';

export interface SessionMesh {
  readonly name: string;
  /** The homes that the rights in it allow, the one to begin with first. */
  readonly homes: readonly HomeName[];
  /** Kinds of which at least some may be written: what is offered, not what is permitted. */
  readonly writes: readonly string[];
  /** Plans may be kept, and applied. */
  readonly mayPlan: boolean;
}

export interface SessionView {
  readonly name: string;
  /** Of the token: `none`, or a built-in role. */
  readonly role: string;
  readonly groups: readonly string[];
  /** RFC 3339: when one has to log in again. */
  readonly endsAt: string;
  /** Goes with every write, as `X-Heddle-Csrf`. */
  readonly csrf: string;
  readonly version: string;
  readonly meshes: readonly SessionMesh[];
}
