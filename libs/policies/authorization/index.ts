import { definePolicy } from '#libs/model';
import { authorizationName } from './authorization.name.js';
import { type EffectiveAuthorization, resolveAuthorization } from './authorization.resolve.js';
import { type AuthorizationSpec, authorizationSchema } from './authorization.schema.js';
import { authorizationToInbound } from './authorization.translate.js';

/** AuthorizationPolicy: who may call. */
export const authorizationPolicy = definePolicy<AuthorizationSpec, EffectiveAuthorization>({
  ...authorizationName,
  summary: 'Who may call a service: by identity, method, path and host. Deny goes before allow.',
  side: 'server',
  targets: ['Service', 'Mesh'],
  schema: authorizationSchema,
  resolve: resolveAuthorization,
  contributors: ({ sources }) => sources,
  toInbound: authorizationToInbound,
});
