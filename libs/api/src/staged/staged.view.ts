/** A staged change for people and programs. */
import type { StagedReportView } from '#libs/changes';
import { openWave } from '#libs/kernel';
import type { ResourceId } from '#libs/model';
import type { StagedChange } from '#libs/store';
import { asItWas } from '../access/visible-changes.js';
import type { Reader } from '../plan/visible-plan.js';

export interface StagedView {
  readonly id: string;
  readonly mesh: string;
  readonly state: StagedChange['state'];
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

/** Cut to what its reader may see. */
export function viewOfStaged(change: StagedChange, { may }: Pick<Reader, 'may'>, seen?: StagedReportView): StagedView {
  const items = change.items.filter((item) => may(asItWas(item.id, item.op === 'put' ? item.manifest : undefined)));
  const members = change.members.filter((proxy) => {
    const [namespace = '', name = ''] = proxy.split('/');
    return may({ kind: 'Proxy', namespace, name });
  });
  const hidden = change.items.length - items.length + change.members.length - members.length;
  const { waitsFor = '', ...rest } = seen ?? {};
  const mayAll = hidden === 0;
  return {
    ...{ id: change.id, mesh: change.mesh, state: change.state, actor: change.actor.name },
    message: items.length > 0 || mayAll ? change.message : '',
    ...{ createdAt: change.createdAt, stepAt: change.stepAt },
    items: items.map(({ op, id }) => ({ op, ...id })),
    ...{ waves: change.options.waves, wave: openWave(change), members },
    change: change.appliedRevision === undefined ? undefined : `c-${change.appliedRevision}`,
    // Hosts, and Envoy's words, are of proxies.
    reason: mayAll ? change.reason || waitsFor : '',
    confirmWithinSeconds: change.confirmLeftMs === undefined ? undefined : Math.ceil(change.confirmLeftMs / 1_000),
    ...(seen && mayAll ? { seen: rest as Omit<StagedReportView, 'waitsFor'> } : {}),
    ...(hidden > 0 ? { hidden } : {}),
  };
}
