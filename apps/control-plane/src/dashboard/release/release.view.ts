import type { StagedView } from '#libs/changes';

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

export interface ReleaseHome {
  /** Trials that something is still to become of, and those that are over, as the API tells of them; the newest first. */
  readonly open: readonly StagedView[];
  readonly over: readonly StagedView[];
  /** Those with more than one version come first. */
  readonly services: readonly VersionedService[];
}
