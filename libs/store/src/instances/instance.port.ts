/** The part of the contract that is about instances: runtime state, neither planned nor audited. */
import type { InstanceSpec } from '#libs/model';
import type { Actor } from '../values.port.js';

export interface Attachment {
  readonly replica: string;
  readonly epoch: string;
  readonly stream: number;
}

export interface InstanceRow extends InstanceSpec {
  readonly uid: string;
  /** Features of its Envoy, persisted so that plans are the same for offline proxies. Empty until it first connected. */
  readonly features: readonly string[];
  readonly envoyVersion: string;
  readonly attached: readonly Attachment[];
  /** Serves traffic: attached, inbound listener and secret ACKed, not leaving. */
  readonly routable: boolean;
  /** Set when it was explicitly deregistered: leaves every endpoint list. */
  readonly leaving: boolean;
  /** Milliseconds since the epoch by Postgres's clock of the last detach; 0 while attached. */
  readonly detachedAt: number;
  readonly runtimeRevision: number;
}

export type InstanceTransition =
  | {
      readonly op: 'attach';
      readonly mesh: string;
      readonly namespace: string;
      readonly name: string;
      readonly attachment: Attachment;
      readonly envoyVersion: string;
      readonly features: readonly string[];
    }
  | {
      readonly op: 'detach';
      readonly mesh: string;
      readonly namespace: string;
      readonly name: string;
      readonly attachment: Attachment;
    }
  | {
      readonly op: 'routable';
      readonly mesh: string;
      readonly namespace: string;
      readonly name: string;
      readonly routable: boolean;
    }
  | { readonly op: 'leave'; readonly mesh: string; readonly namespace: string; readonly name: string }
  | {
      readonly op: 'remove';
      readonly mesh: string;
      readonly namespace: string;
      readonly name: string;
      readonly reason: string;
    };

export interface Instances {
  /** Creates or replaces; keeps attachments. Unique by (mesh, namespace, name). */
  register(spec: InstanceSpec, actor: Actor): Promise<InstanceRow>;
  get(mesh: string, namespace: string, name: string): Promise<InstanceRow | undefined>;
  list(mesh: string, namespace?: string): Promise<readonly InstanceRow[]>;
  /** Those that say they run on this host. */
  onHost(mesh: string, host: string): Promise<readonly InstanceRow[]>;
  /** Group-committed: the first leaves at once, later ones gather while a commit is in flight. Resolves once committed, with the runtime revision. */
  transition(t: InstanceTransition): Promise<number>;
  /** Removes rows that are leaving, or detached for longer than the given time, under the mass-removal guard (10 % of a service, 5 % of a mesh). Returns what went. */
  sweep(options: {
    readonly detachedForMs: number;
    readonly removeLeavingAfterMs: number;
  }): Promise<readonly InstanceRow[]>;
}
