/** What it is called. */
export const retryName = { kind: 'RetryPolicy', plural: 'retrypolicies' } as const;
