export interface JsonRequest {
  readonly method: string;
  /** '' = none. */
  readonly token?: string | undefined;
  /** A text is sent as it is, everything else as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** A request to the REST API, for `fetch`. */
export const jsonRequest = ({ method, token = '', body, headers = {} }: JsonRequest): RequestInit => ({
  method,
  headers: {
    ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...headers,
  },
  ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
});
