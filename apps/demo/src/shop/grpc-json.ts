import { type Client, type ClientOptions, makeGenericClientConstructor, type ServiceDefinition } from '@grpc/grpc-js';
import type { Hop } from './hop.js';

export interface ChargeRequest {
  readonly order: string;
  readonly cents: number;
}

/**
 * Messages are JSON in gRPC frames. A mesh forwards frames and trailers and never looks inside, so the demo needs no
 * generated code; proto-loader is reserved to `libs/envoy-api`, the one place where service definitions are loaded.
 */
const encode = (message: unknown): Buffer => Buffer.from(JSON.stringify(message), 'utf8');
const decodeRequest = (bytes: Buffer): ChargeRequest => JSON.parse(bytes.toString('utf8')) as ChargeRequest;
const decodeHop = (bytes: Buffer): Hop => JSON.parse(bytes.toString('utf8')) as Hop;

/** `heddle.demo.shop.Payments` of payments.proto, for clients and servers alike. */
export const paymentsDefinition = {
  Charge: {
    path: '/heddle.demo.shop.Payments/Charge',
    requestStream: false,
    responseStream: false,
    requestSerialize: encode,
    requestDeserialize: decodeRequest,
    responseSerialize: encode,
    responseDeserialize: decodeHop,
  },
} satisfies ServiceDefinition;

/** A client for any unary method of `paymentsDefinition`; call `makeUnaryRequest`. */
export function paymentsClient(
  target: string,
  credentials: ConstructorParameters<typeof Client>[1],
  options: ClientOptions = {},
): Client {
  const PaymentsClient = makeGenericClientConstructor(paymentsDefinition, 'Payments');
  // Without a proxy: with http_proxy set, gRPC would ask it for a CONNECT tunnel even to a loopback address.
  return new PaymentsClient(target, credentials, { ...options, 'grpc.enable_http_proxy': 0 });
}
