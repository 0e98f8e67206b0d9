import type { PatternName } from '../names.js';
import type { Suspect } from '../types.js';

/** How apt each kind of event is to bring each pattern about, 0 to 1, before time and place are looked at. */
type Aptness = Readonly<Record<Suspect['kind'], number>>;

const CONFIGURED: Aptness = { change: 1, release: 0.1, rotation: 0.03, churn: 0.03, refusal: 0.2 };
const SOFTWARE: Aptness = { change: 0.6, release: 1, rotation: 0.1, churn: 0.15, refusal: 0.1 };
const PRESENCE: Aptness = { change: 0.5, release: 0.4, rotation: 0.03, churn: 1, refusal: 0.1 };

const APTNESS: Readonly<Record<PatternName, Aptness>> = {
  no_route: CONFIGURED,
  no_instance: PRESENCE,
  dns: CONFIGURED,
  authorization: { ...CONFIGURED, rotation: 0.3 },
  rate_limit: CONFIGURED,
  fault_injection: CONFIGURED,
  certificate: { change: 0.8, release: 0.1, rotation: 1, churn: 0.05, refusal: 0.2 },
  periodic: { ...SOFTWARE, churn: 0.05 },
  bad_zone: { change: 0.2, release: 0.02, rotation: 0.02, churn: 0.05, refusal: 0.02 },
  cold_start: { ...PRESENCE, release: 1, change: 0.1 },
  bad_version: { change: 0.1, release: 1, rotation: 0.03, churn: 0.05, refusal: 0.02 },
  bad_host: { change: 0.15, release: 0.3, rotation: 0.6, churn: 0.6, refusal: 0.3 },
  retry_storm: { ...CONFIGURED, release: 0.3, churn: 0.15 },
  overload: { ...CONFIGURED, release: 0.3, churn: 0.2 },
  circuit_breaker: CONFIGURED,
  timeout_too_short: { ...CONFIGURED, release: 0.6 },
  connection_refused: { ...SOFTWARE, churn: 0.3 },
  connection_reset: SOFTWARE,
  failing_dependency: SOFTWARE,
};

export const aptness = (name: PatternName, kind: Suspect['kind']): number => APTNESS[name][kind];
