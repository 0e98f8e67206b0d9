/** A proxy's certificate and token, as it has them now. */
export interface IdentityView {
  readonly namespace: string;
  readonly workload: string;
  readonly instance: string;
  readonly spiffeId: string;
  readonly connected: boolean;
  /** RFC 3339; undefined = it was given none by this control plane's replica. */
  readonly certificateNotAfter?: string | undefined;
  readonly tokenDaysLeft?: number | undefined;
  readonly tokenState?: string | undefined;
}

export interface Identities {
  readonly trustDomain: string;
  readonly identities: readonly IdentityView[];
}

export interface DenialView {
  readonly at: string;
  readonly actor: string;
  readonly action: string;
  readonly message: string;
  readonly items: readonly string[];
}

/** A service that policies do not guard, or not at each of its ports. */
export interface OpenService {
  /** `<namespace>/<name>` */
  readonly service: string;
  /** Names of the ports that every identity of the mesh may call, but for what a policy denies. */
  readonly ports: readonly string[];
  /** Its other ports are guarded. */
  readonly isPartly: boolean;
  /** A policy denies something at one of those ports. */
  readonly denies: boolean;
}

export interface SecurityHome {
  readonly trustDomain: string;
  /** STRICT or PERMISSIVE. */
  readonly mtls: string;
  readonly identities: readonly IdentityView[];
  /** Services that the reader may see. */
  readonly services: number;
  /** Those that have a port which every identity may call; undefined = not known: this replica has not compiled the mesh (yet). */
  readonly open?: readonly OpenService[] | undefined;
  /** Plaintext that sidecars took in the last day; only a PERMISSIVE mesh has any. */
  readonly plaintext: readonly {
    readonly proxy: string;
    readonly port: string;
    readonly requests: number;
    readonly at: string;
  }[];
  /** Writes that were refused for want of a right, newest first; undefined = the reader may not see the audit. */
  readonly denials?: readonly DenialView[] | undefined;
  /** Failed logins by address; undefined = not for the reader. */
  readonly failures?: readonly { readonly minute: string; readonly peer: string; readonly count: number }[] | undefined;
}
