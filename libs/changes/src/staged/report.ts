import type { StagedChange, Store } from '#libs/store';
import { decide } from './decide.js';
import { type Evidence, type HostEvidence, sumOf } from './evidence.js';

/** What is known of the newest step of a staged change. */
export interface StagedReportView {
  /** Proxies that were given it, and those of them that have it. */
  readonly given: number;
  readonly acked: number;
  readonly behind: readonly string[];
  readonly hosts: Readonly<Record<string, HostEvidence>>;
  /** What it waits for, in words; ''. */
  readonly waitsFor: string;
}

/** Reports older than this say nothing. Milliseconds. */
const FRESH_MS = 5_000;

/** Fresh evidence about the newest step, by replica. */
export async function freshEvidence(
  store: Pick<Store, 'staged'>,
  { id, revision, state }: StagedChange,
): Promise<ReadonlyMap<string, Evidence>> {
  if (state === 'queued') return new Map();
  const reports = await store.staged.reports(id);
  const fresh = reports.filter((report) => report.ageMs < FRESH_MS && report.revision === revision);
  return new Map(
    fresh.map(({ replica, evidence, ageMs }) => {
      const seen = evidence as Evidence; // written by a replica of this build or the one before it
      return [replica, { ...seen, settledMs: seen.settledMs + ageMs }];
    }),
  );
}

export async function reportOf(
  store: Pick<Store, 'staged'>,
  change: StagedChange,
): Promise<StagedReportView | undefined> {
  if (!['canary', 'held', 'watched'].includes(change.state)) return undefined;
  const evidence = await freshEvidence(store, change);
  const replicas = await store.staged.replicas();
  const { given, behind, hosts } = sumOf([...evidence.values()]);
  const next = decide(change, { openBefore: undefined, replicas, evidence, isTightening: false });
  return {
    ...{ given, behind, acked: given - behind.length },
    hosts: Object.fromEntries(hosts),
    waitsFor: next.do === 'wait' ? next.why : '',
  };
}
