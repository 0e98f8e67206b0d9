/** Every name that a group of failures can get: a closed list. What each means and how it is decided: README.md. */
export const PATTERN_NAMES = [
  'no_route',
  'no_instance',
  'dns',
  'authorization',
  'rate_limit',
  'fault_injection',
  'certificate',
  'periodic',
  'bad_zone',
  'cold_start',
  'bad_version',
  'bad_host',
  'retry_storm',
  'overload',
  'circuit_breaker',
  'timeout_too_short',
  'connection_refused',
  'connection_reset',
  'failing_dependency',
] as const;

export type PatternName = (typeof PATTERN_NAMES)[number];
