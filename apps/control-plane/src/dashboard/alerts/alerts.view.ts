/** Where the reader may say that nobody is to be told of alerts for a while. */
export interface SilenceRights {
  /** Of the whole mesh. */
  readonly everywhere: boolean;
  /** Of these namespaces, among those that have alerts or silences. */
  readonly namespaces: readonly string[];
}
