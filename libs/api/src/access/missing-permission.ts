/** What a 403 says beside its text, for programs. */
export interface MissingPermission {
  readonly verb: string;
  /** Absent = of any kind. */
  readonly kind?: string;
  /** Absent = of the server itself. */
  readonly mesh?: string;
  readonly namespace?: string;
  readonly name?: string;
  /** Built-in roles that have it. */
  readonly roles: readonly string[];
}
