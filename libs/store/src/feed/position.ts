/** How far a reader has come. */
export interface Position {
  /** Of the database: another one means that revisions cannot be compared. */
  readonly epoch: string;
  readonly config: number;
  readonly runtime: number;
}
