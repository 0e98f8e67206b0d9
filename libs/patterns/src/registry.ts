import { authorization } from './authorization/index.js';
import { badHost } from './bad-host/index.js';
import { badVersion } from './bad-version/index.js';
import { badZone } from './bad-zone/index.js';
import type { PatternKind } from './candidate.js';
import { certificate } from './certificate/index.js';
import { circuitBreaker } from './circuit-breaker/index.js';
import { coldStart } from './cold-start/index.js';
import { connectionRefused } from './connection-refused/index.js';
import { connectionReset } from './connection-reset/index.js';
import { dns } from './dns/index.js';
import { failingDependency } from './failing-dependency/index.js';
import { faultInjection } from './fault-injection/index.js';
import { noInstance } from './no-instance/index.js';
import { noRoute } from './no-route/index.js';
import { overload } from './overload/index.js';
import { periodic } from './periodic/index.js';
import { rateLimit } from './rate-limit/index.js';
import { retryStorm } from './retry-storm/index.js';
import { timeoutTooShort } from './timeout-too-short/index.js';

/** Every pattern, one folder each. In which order they explain failures away: explain-away.ts. */
export const patternKinds: readonly PatternKind[] = [
  authorization,
  badHost,
  badVersion,
  badZone,
  certificate,
  circuitBreaker,
  coldStart,
  connectionRefused,
  connectionReset,
  dns,
  failingDependency,
  faultInjection,
  noInstance,
  noRoute,
  overload,
  periodic,
  rateLimit,
  retryStorm,
  timeoutTooShort,
];
