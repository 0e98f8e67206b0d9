import type { GoldenSignals } from '../api/signals';
import { Stats } from '../ui/page';
import {
  attemptsWords,
  countWords,
  failureTone,
  latencyWords,
  msWords,
  openWords,
  rateWords,
  shareWords,
} from './words';

const ATTEMPTS_MANY = 1.2;

interface SignalStatsProps {
  readonly of: GoldenSignals;
  readonly incomplete: boolean;
}

/** The golden signals of a time, in numbers. */
export function SignalStats({ of, incomplete }: SignalStatsProps) {
  const { count, failures, failureShare, latency, rate, attemptsPerRequest } = of;
  return (
    <Stats
      items={[
        {
          ...{ label: 'Requests', value: rateWords(rate) },
          note: `${countWords(count)} in all${incomplete ? ', or more: some of it is missing' : ''}`,
        },
        {
          ...{ label: 'Failing', value: count === 0 ? '–' : shareWords(failureShare), tone: failureTone(of) },
          note: `${countWords(failures)} requests`,
        },
        {
          ...{ label: 'Half within', value: latencyWords(of, 'p50') },
          ...(latency ? { note: `99 % within ${msWords(latency.p99)}` } : {}),
        },
        {
          ...{ label: 'Open at once', value: openWords(of) },
          note: 'on average: what grows while the rate does not is waiting',
        },
        {
          label: 'Attempts a request',
          value: attemptsWords(of),
          note: retriesWords(attemptsPerRequest),
          tone: (attemptsPerRequest ?? 1) >= ATTEMPTS_MANY ? 'warn' : 'idle',
        },
      ]}
    />
  );
}

/** How much of what arrives is retries. */
function retriesWords(attempts = 1): string {
  if (attempts < 1) return 'some were never sent on';
  const share = 1 - 1 / attempts;
  return share < 0.005 ? 'nothing is retried' : `${shareWords(share)} of what arrives is retries`;
}
