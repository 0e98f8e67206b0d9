/** What happens to bytes and to new connections. */
export type Way =
  /** They pass. */
  | 'open'
  /** New connections are reset; present ones were, when it began. */
  | 'refused'
  /** Nothing passes and nobody is told, in both directions or in one. What was sent arrives when it is open again. */
  | 'silent'
  | 'silent-to-target'
  | 'silent-from-target';
