import { Initial1767225600000 } from './1767225600000-initial.js';
import { TokenSubjects1767312000000 } from './1767312000000-token-subjects.js';
import { AuthorityRotation1767484800000 } from './1767484800000-authority-rotation.js';
import { PartitionedHistory1795780000000 } from './1795780000000-partitioned-history.js';
import { Plans1795780100000 } from './1795780100000-plans.js';
import { StagedChanges1795780300000 } from './1795780300000-staged-changes.js';
import { JobLeases1795781000000 } from './1795781000000-job-leases.js';
import { QuarantineDocuments1795781100000 } from './1795781100000-quarantine-documents.js';
import { BadContents1795781200000 } from './1795781200000-bad-contents.js';
import { Delivery1795788200000 } from './1795788200000-delivery.js';
import { StreamSpans1795791600000 } from './1795791600000-stream-spans.js';
import { PlaintextUse1795795200000 } from './1795795200000-plaintext-use.js';
import { Alerts1795799400000 } from './1795799400000-alerts.js';
import { Signals1795800000000 } from './1795800000000-signals.js';
import { FailurePatterns1795810000000 } from './1795810000000-failure-patterns.js';
import { ShedSignals1795821700000 } from './1795821700000-shed-signals.js';

/** Oldest first. A migration that was released is never edited: what is wrong with it is mended by the next one. */
export const MIGRATIONS = [
  Initial1767225600000,
  TokenSubjects1767312000000,
  AuthorityRotation1767484800000,
  PartitionedHistory1795780000000,
  Plans1795780100000,
  StagedChanges1795780300000,
  JobLeases1795781000000,
  QuarantineDocuments1795781100000,
  BadContents1795781200000,
  Delivery1795788200000,
  StreamSpans1795791600000,
  PlaintextUse1795795200000,
  Alerts1795799400000,
  Signals1795800000000,
  FailurePatterns1795810000000,
  ShedSignals1795821700000,
];

/** Number of the schema that this build writes and reads. */
export const SCHEMA_VERSION = MIGRATIONS.length;
