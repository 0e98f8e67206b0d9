/**
 * What the audit tells of.
 *
 * `staged`: a step of a change on trial; what it makes everybody's is a `write`. `history-cut`: old history was removed, after
 * it was verified. `token-*`: somebody was let in, or is no more. `denied`: a request that the caller had no right to make.
 * `quarantine*`: an earlier revision of a resource is served instead of its last one, or no longer; `reason` names them, and
 * the resource. `silence*`: alerts that nobody is told of for a while; `reason` names them.
 */
export const AUDIT_ACTIONS = [
  'write',
  'rollback',
  'staged',
  'token-create',
  'token-revoke',
  'denied',
  'history-cut',
  'quarantine',
  'quarantine-release',
  'silence',
  'silence-end',
] as const;

export type AuditAction = (typeof AUDIT_ACTIONS)[number];
