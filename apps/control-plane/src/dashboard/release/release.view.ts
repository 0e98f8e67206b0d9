/** Instances of a service that say the same version. */
export interface VersionView {
  /** Value of the label `version`; '' = they have none. */
  readonly version: string;
  readonly total: number;
  readonly ready: number;
  /** Share of the requests that routes send to it by name, 0 to 100; undefined = no route names it. */
  readonly weight?: number | undefined;
}

export interface VersionedService {
  readonly namespace: string;
  readonly name: string;
  readonly versions: readonly VersionView[];
  /** The route that splits by version, if one does. */
  readonly route?: string | undefined;
}

export interface TrialView {
  readonly id: string;
  readonly state: string;
  readonly actor: string;
  readonly message: string;
  readonly createdAt: string;
  readonly items: readonly string[];
  readonly waves: readonly number[];
  /** From 1; 0 = not opened, or everybody has it. */
  readonly wave: number;
  readonly members: readonly string[];
  readonly reason: string;
  readonly confirmLeftSeconds?: number | undefined;
  readonly change?: string | undefined;
}

export interface ReleaseHome {
  /** Those that something is still to become of, and those that are over; the newest first. */
  readonly open: readonly TrialView[];
  readonly over: readonly TrialView[];
  /** Those with more than one version come first. */
  readonly services: readonly VersionedService[];
}
