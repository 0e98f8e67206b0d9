/** What it is called. */
export const telemetryName = { kind: 'Telemetry', plural: 'telemetries' } as const;
