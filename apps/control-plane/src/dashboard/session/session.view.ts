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

/**
 * Why somebody was not logged in by the identity provider. stale: not begun in this browser, finished, or too old; denied: by
 * the provider; client: it does not take us for its client; provider: an answer that cannot be trusted; name: it does not say
 * who somebody is.
 */
export type RefusalCode = 'stale' | 'denied' | 'unreachable' | 'client' | 'provider' | 'name';

/** How one can log in, beside a token. */
export interface LoginWays {
  /** Absent = there is no identity provider. */
  readonly provider?: {
    readonly label: string;
    /** Why it cannot be used at the moment. */
    readonly problem?: string | undefined;
  };
}

export interface SessionView {
  readonly name: string;
  /** User: whom the identity provider has named. */
  readonly subject: 'Token' | 'User';
  /** Whom to ask for rights; only for users who have none. */
  readonly contact?: string | undefined;
  /** Of the token: a built-in role, or `none`, as users have. */
  readonly role: string;
  readonly groups: readonly string[];
  /** RFC 3339: when one has to log in again. */
  readonly endsAt: string;
  /** Goes with every write, as `X-Heddle-Csrf`. */
  readonly csrf: string;
  readonly version: string;
  readonly meshes: readonly SessionMesh[];
}
