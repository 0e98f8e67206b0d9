/** What it is called. */
export const timeoutName = { kind: 'TimeoutPolicy', plural: 'timeoutpolicies' } as const;
