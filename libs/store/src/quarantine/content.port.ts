/** The part of the contract that is about compiled contents that proxies died of (REL-26). */
import type { Lease } from '../leases/lease.port.js';
import type { Actor } from '../values.port.js';

/** The content before. */
export interface FormerContent {
  readonly version: string;
  readonly bytes: Uint8Array;
  readonly requires: readonly { readonly type: string; readonly name: string }[];
}

export interface ContentReport {
  readonly mesh: string;
  /** Of the compiled resource, and the hash of its content. */
  readonly key: string;
  readonly version: string;
  readonly type: string;
  /** On the wire. */
  readonly name: string;
  /** `node.id`, and where it says it runs. */
  readonly proxy: string;
  readonly host: string;
  readonly reason: string;
  readonly instead: FormerContent | undefined;
  /** False: it is held back from those who died of it, whatever others report. */
  readonly mayBeCommon: boolean;
}

export interface BadContent extends Omit<ContentReport, 'proxy' | 'host' | 'mayBeCommon'> {
  readonly id: string;
  /** Who died of it. */
  readonly proxies: readonly string[];
  readonly hosts: readonly string[];
  /** Two hosts have died of it: it is held back from everybody who does not run it. */
  readonly everywhere: boolean;
  /** RFC 3339. */
  readonly at: string;
}

export interface BadContents {
  list(mesh: string): Promise<readonly BadContent[]>;
  /** Adds a proxy's word. The second host makes it common, with an audit entry and a config revision. @throws StoreUnavailable */
  report(report: ContentReport): Promise<BadContent>;
  /** Drops those whose content is in force no more. @returns how many @throws LeaseLost; StoreUnavailable */
  forget(lease: Lease, ids: readonly string[]): Promise<number>;
  /** Everybody may be sent it again, those who died of it too. @returns false when there is none of this id */
  release(mesh: string, id: string, actor: Actor): Promise<boolean>;
}
