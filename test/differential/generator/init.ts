import type { MessageInitShape, RouteSchema } from '#libs/envoy-api';

type RouteInit = Extract<MessageInitShape<typeof RouteSchema>, { $typeName?: never }>;
export type ActionInit = NonNullable<RouteInit['action']>;
export type MatchInit = Exclude<NonNullable<RouteInit['match']>, { $typeName: string }>;
