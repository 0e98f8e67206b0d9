import type { Session } from '../command.js';

/** A server-sent event. */
export interface ServerEvent {
  readonly type: string;
  readonly id: string;
  readonly data: unknown;
}

export interface EventOptions {
  /** Of the last event that was read: what came before it is not told again. */
  readonly after?: string;
  readonly signal: AbortSignal;
}

/** Events as they come, until the server ends the stream. @throws CliError as `RestClient.lines` */
export async function* events(s: Session, path: string, { after, signal }: EventOptions): AsyncGenerator<ServerEvent> {
  const headers = { accept: 'text/event-stream', ...(after ? { 'last-event-id': after } : {}) };
  let fields = new Map<string, string>();
  for await (const line of s.rest.lines('GET', path, { headers, signal })) {
    if (line === '') {
      const data = fields.get('data');
      if (data !== undefined) yield eventOf(fields, data);
      fields = new Map();
    } else {
      const [, name = '', value = ''] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
      fields.set(name, name === 'data' && fields.has(name) ? `${fields.get(name)}\n${value}` : value);
    }
  }
}

const eventOf = (fields: ReadonlyMap<string, string>, data: string): ServerEvent => ({
  type: fields.get('event') ?? 'message',
  id: fields.get('id') ?? '',
  data: JSON.parse(data) as unknown,
});
