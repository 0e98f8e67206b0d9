import type { StagedState } from '#libs/kernel';
import type { ResourceId } from '#libs/model';
import type { StagedReportView } from './report.js';

/** A staged change for people and programs, as REST carries it, and CLI and dashboard show it. */
export interface StagedView {
  readonly id: string;
  readonly mesh: string;
  readonly state: StagedState;
  readonly actor: string;
  readonly message: string;
  readonly createdAt: string;
  readonly stepAt: string;
  /** What it writes. */
  readonly items: readonly (ResourceId & { readonly op: 'put' | 'delete' })[];
  /** Waves in percent, and which of them, from 1; 0 = not opened, or everybody has it. */
  readonly waves: readonly number[];
  readonly wave: number;
  /** Proxies that have it while it is open. */
  readonly members: readonly string[];
  /** The change that made it everybody's, `c-<revision>`. */
  readonly change: string | undefined;
  /** Why it is held, reverted, failed or queued; what it waits for. */
  readonly reason: string;
  /** Seconds until it is taken back unless confirmed. */
  readonly confirmWithinSeconds: number | undefined;
  /** What has been seen of its newest step; absent when it is over. */
  readonly seen?: Omit<StagedReportView, 'waitsFor'> | undefined;
  /** Resources and proxies that the reader may not see. Absent = none. */
  readonly hidden?: number;
}
