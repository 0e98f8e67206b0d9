/** What it is called. */
export const authorizationName = { kind: 'AuthorizationPolicy', plural: 'authorizationpolicies' } as const;
