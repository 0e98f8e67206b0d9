export type HappeningKind =
  | 'change'
  | 'refusal'
  | 'rotation'
  | 'instance_joined'
  | 'instance_left'
  | 'instance_unready';

/** Something that happened in a mesh beside its traffic. */
export interface Happening {
  /** Milliseconds since the epoch, by Postgres's clock. */
  readonly at: number;
  readonly kind: HappeningKind;
  /** What the rest of Heddle knows it by: `c-12`, the id of an authority, `<namespace>/<workload>/<instance>`. */
  readonly id: string;
  /** One line for a reader. It may hold what users wrote: escape it before you show it. */
  readonly title: string;
  /** `<namespace>/<name>` of services, workloads and resources, `<namespace>/<workload>/<instance>` of instances; empty: the whole mesh. */
  readonly touches: readonly string[];
  /** It is a change that can be rolled back. */
  readonly reversible: boolean;
}

/** What happened when. */
export interface Timeline {
  /**
   * Oldest first. Of each kind only the newest 500 in the time.
   * @param from milliseconds since the epoch, included
   * @param to excluded
   */
  between(mesh: string, from: number, to: number): Promise<readonly Happening[]>;
}
