import { AuditKeys, type Kek } from '#libs/identity';
import type { Clock, Log, Metrics, Tracer } from '#libs/kernel';
import type { Store } from '#libs/store';
import type { Config } from '../config.schema.js';
import { CheckpointJob } from './checkpoint-job.js';
import { destinationOf } from './destination.js';

export interface AuditJobParts {
  readonly config: Config;
  readonly store: Pick<Store, 'audit' | 'authorities'>;
  readonly kek: Kek;
  readonly replica: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly tracer?: Tracer | undefined;
}

/** Starts to sign the audit chain. @returns a function that stops it */
export function startCheckpoints({ config, store, kek, ...rest }: AuditJobParts): () => Promise<void> {
  const { checkpointSeconds, checkpointTo, webhookTokenFile, keyDays, historyDays } = config.audit;
  if (checkpointSeconds === 0) return () => Promise.resolve();
  const { replica, clock } = rest;
  const abort = new AbortController();
  const options = { replica, clock, webhookTokenFile, signal: abort.signal };
  const keys = new AuditKeys({ authorities: store.authorities, kek, clock, days: keyDays });
  const job = new CheckpointJob({
    ...rest,
    trail: store.audit,
    keys: () => keys.current(),
    destinations: checkpointTo.map((text) => destinationOf(text, options)),
    everySeconds: checkpointSeconds,
    historyDays,
  });
  job.start();
  return () => {
    abort.abort();
    return job.stop();
  };
}
