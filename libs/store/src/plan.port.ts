/** The part of the contract that is about plans, and about the past that plans of going back are made of. */

/** Who changed something, and when. */
export interface ChangeMark {
  /** `c-<revision>` */
  readonly change: string;
  readonly revision: number;
  /** RFC 3339. */
  readonly at: string;
  readonly actor: string;
  readonly message: string;
}

/** What became of one resource over several changes. */
export interface NetChange {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** Manifests at the beginning and at the end; undefined where there was or is none. */
  readonly before: unknown;
  readonly after: unknown;
  /** Oldest first; never empty. */
  readonly changes: readonly ChangeMark[];
}

export interface Past {
  /** Every resource that a change with `after < revision <= until` wrote, by kind, namespace and name. Costs those changes. */
  between(mesh: string, after: number, until: number): Promise<readonly NetChange[]>;
  /** What one change wrote; undefined when this mesh has no such change. */
  change(mesh: string, revision: number): Promise<readonly NetChange[] | undefined>;
}

export interface NewPlan {
  readonly id: string;
  readonly mesh: string;
  readonly actor: string;
  /** Config revision that it was made on. */
  readonly revision: number;
  /** Opaque to the store. */
  readonly document: unknown;
}

export interface StoredPlan extends NewPlan {
  /** RFC 3339, Postgres's clock. */
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly expired: boolean;
}

export interface Plans {
  /** Keeps a plan for a day. */
  insert(plan: NewPlan): Promise<StoredPlan>;
  /** Also one that has expired, until it is pruned. */
  get(mesh: string, id: string): Promise<StoredPlan | undefined>;
}
