import { Turns } from '#libs/kernel';
import { DETACHED_FOR_MS } from '#libs/store';
import type { XdsServer } from '#libs/xds';
import type { Attachments } from './attachments.js';
import type { Coordinator } from './coordinator.js';
import type { CrashGuard } from './crashes/guard.js';
import { claimsOf } from './gatekeeper.js';
import type { MeshHost } from './mesh-host.js';
import type { RuntimeOptions } from './options.js';
import { QuarantineJob } from './quarantine/job.js';
import { TokenAlarms } from './token-alarm.js';

/** The parts of a runtime that the jobs look after. */
export interface JobSubjects {
  readonly options: RuntimeOptions;
  readonly server: XdsServer;
  readonly coordinator: Coordinator;
  readonly attachments: Attachments;
  readonly crashes: CrashGuard;
  /** Writes what rows do not know of live streams. */
  reassert(): void;
}

const SWEEP_MS = 5_000;
const CREDENTIALS_MS = 5_000;
const BAD_CONTENTS_MS = 60_000;
const TOKEN_ALARMS_MS = 60_000;
/** A deregistered instance has been out of every endpoint list for a while before its row goes. */
const REMOVE_LEAVING_AFTER_MS = 30_000;
/** Nothing is removed within one grace after Postgres came back or this process started. */
const GRACE_MS = 30_000;
/** What no proxy has needed for one such time goes at the end of the next. */
const CELLS_MS = 600_000;
/** The sweep of cells makes room for a long pass, and holds the event loop no longer than this at once. */
const CELLS_SLICE_MS = 2;
const CELLS_LATER_MS = 1_000;

/** Starts the periodic work of the push path. @returns a function that stops it */
export function startJobs(runtime: JobSubjects): () => void {
  const { clock } = runtime.options;
  const stops = [
    runtime.options.credentials.onDenied(() => cutBadCredentials(runtime)),
    clock.every(CREDENTIALS_MS, () => cutBadCredentials(runtime)),
    clock.after(GRACE_MS, () => forgetEarlierLives(runtime)),
    sweeper(runtime),
    tokenAlarms(runtime),
    quarantine(runtime),
    forgetter(runtime),
    clock.every(CELLS_MS, () => {
      for (const host of runtime.coordinator.hosts.values()) sweepCells(runtime, host);
    }),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

/** Cells of classes without instances, and what was only asked for once. */
function sweepCells(runtime: JobSubjects, host: MeshHost): void {
  const { clock } = runtime.options;
  if (runtime.coordinator.isCompiling) {
    clock.after(CELLS_LATER_MS, () => sweepCells(runtime, host));
    return;
  }
  const end = clock.monotonic() + CELLS_SLICE_MS;
  if (host.graph.sweepSlice({ exhausted: () => clock.monotonic() >= end })) return;
  setImmediate(() => sweepCells(runtime, host));
}

/**
 * Streams of revoked tokens, renewed ones included, end as soon as the replica knows of the revocation, which is within
 * 10 s on every one; those of expired tokens within 60 s (SEC-5). The timer also finds a stream whose token was verified
 * just before it was revoked, and that came after the cut.
 */
function cutBadCredentials(runtime: JobSubjects): void {
  const { clock, credentials } = runtime.options;
  const now = clock.now();
  runtime.server.disconnect(
    (principal) => principal.expiresAt <= now,
    'UNAUTHENTICATED',
    'the proxy token has expired: renew it (heddle token renew)',
  );
  runtime.server.disconnect(
    (principal) => credentials.isDenied(claimsOf(principal).jti),
    'UNAUTHENTICATED',
    'the proxy token was revoked',
  );
}

function forgetter({ options, crashes, coordinator }: JobSubjects): () => void {
  const turns = new Turns(() => crashes.forgetPast([...coordinator.hosts.keys()]));
  turns.start(options.clock, BAD_CONTENTS_MS);
  return () => void turns.stop();
}

/** Attachments that a killed process of this replica left behind: whoever is back has a new entry by now. */
function forgetEarlierLives(runtime: JobSubjects): void {
  for (const host of runtime.coordinator.hosts.values()) {
    for (const row of host.instances) {
      const identity = { mesh: row.mesh, namespace: row.namespace, workload: row.workload, instance: row.name };
      runtime.attachments.forgetEarlier(identity, row.attached);
    }
  }
}

function tokenAlarms({ options, server }: JobSubjects): () => void {
  const { clock, log, metrics } = options;
  const alarms = new TokenAlarms(log, metrics);
  return clock.every(TOKEN_ALARMS_MS, () => {
    const held = server.streamInfos().map(({ node, principal }) => ({ proxy: node.id, claims: claimsOf(principal) }));
    alarms.check(held, clock.now());
  });
}

/** Roles are no part of the mesh's configuration: what they permit is never taken from an earlier revision. */
function quarantine({ options, coordinator }: JobSubjects): () => void {
  const administration = new Set(
    options.registry.kinds.filter(({ group }) => group === 'administration').map(({ kind }) => kind),
  );
  const job = new QuarantineJob({
    ...options,
    hosts: () => coordinator.hosts.values(),
    revision: () => coordinator.configRevision,
    isCompiling: () => coordinator.isCompiling,
    leaves: (kind) => administration.has(kind),
  });
  return job.start();
}

function sweeper(runtime: JobSubjects): () => void {
  const { clock, store } = runtime.options;
  const sweeps = new Turns(() => sweep(runtime.options));
  let quietSince = clock.monotonic();
  return clock.every(SWEEP_MS, () => {
    if (store.feed.connected) runtime.reassert();
    else quietSince = clock.monotonic();
    if (clock.monotonic() - quietSince >= GRACE_MS) sweeps.begin();
  });
}

async function sweep({ store, log, metrics }: RuntimeOptions): Promise<void> {
  try {
    const gone = await store.instances.sweep({
      detachedForMs: DETACHED_FOR_MS,
      removeLeavingAfterMs: REMOVE_LEAVING_AFTER_MS,
    });
    for (const { mesh, namespace, name, leaving } of gone)
      log.info('an instance was removed', { mesh, namespace, instance: name, leaving });
  } catch (error) {
    metrics.count('heddle_sweep_failures_total');
    log.warn('the sweep of instances failed and will be tried again', { reason: String(error) });
  }
}
