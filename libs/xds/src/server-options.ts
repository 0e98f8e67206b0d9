import type { Clock, Log, Metrics } from '#libs/kernel';
import type { Limits } from './limits.js';
import type { ReportMethod } from './reports.js';
import type { CarrierName } from './transport/make-carrier.js';
import type { DeliveryListener, Gatekeeper, SecretSource } from './types.js';

export interface XdsServerOptions {
  readonly gatekeeper: Gatekeeper;
  /** Without one, secrets are not served. */
  readonly secrets?: SecretSource;
  readonly listener?: DeliveryListener;
  /** Methods of the program's own, by which clients report to it. Default: none. */
  readonly reports?: readonly ReportMethod[];
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly limits?: Partial<Limits>;
  /** Default: `http2`. */
  readonly transport?: CarrierName;
  /** Serves secrets over plaintext too. For tests only (SEC-16). */
  readonly secretsOverPlaintext?: boolean;
}
