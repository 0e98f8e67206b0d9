export type { ReceivedPoint, ReceivedRecord, ReceivedSpan, Values } from './decode.js';
export { OtlpReceiver, type Received } from './receiver.js';
