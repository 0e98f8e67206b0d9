/** Phases of HTTP filters, in the order they run. Within a phase, filters are ordered by name. */
export const HTTP_FILTER_PHASES = ['fault', 'cors', 'authn', 'authz', 'rateLimit', 'transform', 'router'] as const;
export type HttpFilterPhase = (typeof HTTP_FILTER_PHASES)[number];
