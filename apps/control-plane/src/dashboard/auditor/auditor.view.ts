export interface DecisionView {
  readonly seq: number;
  readonly at: string;
  readonly actor: string;
  readonly role: string;
  readonly action: string;
  readonly decision: string;
  readonly message: string;
  readonly items: readonly string[];
  readonly hash: string;
}

export interface AuditorHome {
  /** The newest decisions about this mesh that the reader may see. */
  readonly decisions: readonly DecisionView[];
  /** The chain is one for all meshes: to verify and export it needs a right on the server. */
  readonly mayVerify: boolean;
  /** Where signed checkpoints go; undefined = not for the reader. */
  readonly destinations?:
    | readonly { readonly destination: string; readonly failures: number; readonly error: string }[]
    | undefined;
}
