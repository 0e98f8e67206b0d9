export { FakeXdsClient, type FakeXdsClientOptions, SILENCE } from './fake-xds-client.js';
export type { FakeNode, ReceivedResource, ReceivedResponse, RequestFields } from './messages.js';
export { encodeDelta, encodeSotw } from './messages.js';
export { RawStream, type RawStreamOptions, type StreamEnd, type Variant } from './raw-stream.js';
export { ResponseChecks, type ResponseChecksOptions } from './response-checks.js';
