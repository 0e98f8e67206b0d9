import type { z } from 'zod';
import type { JsonSchema } from './openapi.schemas.js';

/** One operation of the API, for its description. A test compares the list with the handlers that are really routed. */
export interface Operation {
  readonly method: 'get' | 'put' | 'post' | 'patch' | 'delete';
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  /** Who may call it: `anonymous`, `any token`, `the proxy itself`, or the permission, `<verb> <kind>`. */
  readonly access: string;
  readonly query?: z.ZodObject;
  readonly body?: { readonly type: string; readonly schema: JsonSchema };
  readonly status?: number;
  readonly answer?: JsonSchema;
  /** The answer is JSON Lines of this. */
  readonly isStream?: boolean;
  /** The answer is a stream of server-sent events, whose data is this. */
  readonly isEvents?: boolean;
  /** Takes If-Match and If-None-Match, answers with an ETag. */
  readonly tagged?: boolean;
}
