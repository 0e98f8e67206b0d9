import type { Condition, MeshFork } from '#libs/compiler';
import type { Ctx } from '#libs/incremental';
import type { Steps } from '#libs/kernel';
import type { DomainValue, ResourceId } from '#libs/model';

/** `critical`: requests will fail. `warning`: probably not meant. `info`: good to know. */
export type Severity = 'info' | 'warning' | 'critical';

/** Every finding there is: codes are stable, docs/findings.md explains each. */
export const FINDINGS = {
  'reference-to-nothing': 'warning',
  'route-never-matches': 'warning',
  'no-effect': 'warning',
  'no-ready-instance': 'warning',
  'no-weight': 'critical',
  'retry-amplification': 'warning',
  'timeout-shorter-than-retries': 'warning',
  'listeners-drain': 'warning',
  'not-accepted': 'warning',
  'address-goes': 'critical',
  'plaintext-in-use': 'critical',
  'trust-domain-in-use': 'critical',
  'trust-domain-aliases-in-use': 'critical',
  'stage-not-delivered': 'critical',
} as const satisfies Record<string, Severity>;

export type FindingCode = keyof typeof FINDINGS;

export interface Finding {
  readonly code: FindingCode;
  readonly severity: Severity;
  readonly resource: ResourceId;
  /** JSON pointer into its manifest; '' = the whole of it. */
  readonly path: string;
  readonly message: string;
  /** Who causes it: the route that matches first, the policy that wins. */
  readonly by: readonly ResourceId[];
  /** False when it holds already, without the plan. */
  readonly introduced: boolean;
}

export type FindingDraft = Omit<Finding, 'severity' | 'introduced'>;

/** What a check looks at: the mesh with or without the plan, and which parts of it the plan concerns. */
export interface Look {
  readonly ctx: Ctx;
  readonly conditions: (id: ResourceId) => readonly Condition[];
  /** Resources that are written, and those that refer to them. */
  readonly resources: readonly ResourceId[];
  /** Destinations whose callers may notice, `<namespace>/<name>`. */
  readonly destinations: readonly string[];
  /** Services that may declare to call a destination; a superset. */
  readonly mayCall: (destination: string) => readonly string[];
}

/** With a pause after every resource and destination. */
export type Check = (look: Look) => Steps<readonly FindingDraft[]>;

/** What a plan is made of, as far as findings are concerned. */
export interface Judged {
  readonly mesh: string;
  readonly fork: MeshFork;
  readonly puts: readonly DomainValue[];
  readonly deletes: readonly ResourceId[];
  readonly usersOf: (id: ResourceId) => readonly ResourceId[];
}
