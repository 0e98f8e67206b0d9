/** Cases in batches through one real Envoy each, and the smallest form of the first that differs. */
import type { SampleRequest } from '#libs/changes';
import { differences, evaluated } from './expectation.js';
import type { Case } from './generator/index.js';
import { DifferentialRig, tableJson } from './rig.js';
import { smaller } from './shrink.js';

export interface Failure {
  readonly single: Case;
  readonly problems: readonly string[];
}

const BATCH = 500;
const AT_ONCE = 16;

/** One case for each request, so that a failure names its own. */
const single = (from: Case, request: SampleRequest): Case => ({ ...from, requests: [request] });

async function inParallel<T>(items: readonly T[], task: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const item of queue) await task(item);
    }),
  );
}

/** Failures in the order of the cases. */
async function failuresOf(binary: string, cases: readonly Case[]): Promise<readonly Failure[]> {
  const rig = await DifferentialRig.start(binary, cases);
  const failures: (Failure & { readonly at: number })[] = [];
  try {
    const all = cases.flatMap((from, at) => from.requests.map((request) => ({ at, from, request })));
    await inParallel(all, async ({ at, from, request }) => {
      const problems = differences(evaluated(from, request), request, await rig.observe(at, from.manager, request));
      if (problems.length > 0) failures.push({ at, single: single(from, request), problems });
    });
  } finally {
    await rig.stop();
  }
  return failures.sort((a, b) => a.at - b.at);
}

export interface Outcome {
  readonly cases: number;
  readonly requests: number;
  /** Requests by what was evaluated. */
  readonly verdicts: Readonly<Record<string, number>>;
  readonly failures: readonly Failure[];
}

/** Runs all cases; ends early once a batch has failures. */
export async function run(binary: string, cases: readonly Case[]): Promise<Outcome> {
  let requests = 0;
  const verdicts: Record<string, number> = {};
  for (let start = 0; start < cases.length; start += BATCH) {
    const batch = cases.slice(start, start + BATCH);
    const failures = await failuresOf(binary, batch);
    for (const each of batch) {
      for (const request of each.requests) {
        const { type } = evaluated(each, request).verdict;
        verdicts[type] = (verdicts[type] ?? 0) + 1;
        requests++;
      }
    }
    if (failures.length > 0) return { cases: start + batch.length, requests, verdicts, failures };
  }
  return { cases: cases.length, requests, verdicts, failures: [] };
}

/** Takes parts away, as long as what is left still differs: every round is one Envoy with all that are one part smaller. */
export async function shrunk(binary: string, failure: Failure): Promise<Failure> {
  let smallest = failure;
  for (;;) {
    const [next] = await failuresOf(binary, smaller(smallest.single));
    if (!next) return smallest;
    smallest = next;
  }
}

export function printed({ single: { manager, table, requests }, problems }: Failure): string {
  const json = JSON.stringify({ manager, requests, table: tableJson(table) }, undefined, 1);
  return `${problems.join('\n')}\n${json}`;
}
