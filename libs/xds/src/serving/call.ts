import type { ServerDuplexStream } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import type { Denied } from '../types.js';
import type { OutgoingMessage } from '../wire/message.js';

/** A discovery call as grpc-js hands it out: raw requests come in, spliced messages go out. */
export type DiscoveryCall = ServerDuplexStream<Buffer, OutgoingMessage>;

export type StatusName = Denied['status'] | 'OK' | 'INTERNAL' | 'ABORTED' | 'DEADLINE_EXCEEDED' | 'UNIMPLEMENTED';

/** Ends a call with a status other than OK. grpc-js turns the error of a call into its status. */
export function endWith(call: DiscoveryCall, name: StatusName, message: string): void {
  if (name === 'OK') call.end();
  else call.emit('error', { code: status[name], details: message });
}
