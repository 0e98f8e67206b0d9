import type { MethodDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import { discoveryService, SERVICE, TYPE } from '#libs/envoy-api';
import { type TypeSpec, typeSpec } from '../type-specs.js';
import type { OutgoingMessage } from '../wire/message.js';
import type { DiscoveryCall } from './call.js';

/** The services that are served, and the type that each but ADS implies. */
const SERVED = [
  [SERVICE.ads, undefined],
  [SERVICE.cds, TYPE.cluster],
  [SERVICE.eds, TYPE.endpoint],
  [SERVICE.sds, TYPE.secret],
  [SERVICE.lds, TYPE.listener],
  [SERVICE.srds, TYPE.scopedRoute],
  [SERVICE.rds, TYPE.route],
  [SERVICE.rtds, TYPE.runtime],
  [SERVICE.ecds, TYPE.extension],
  [SERVICE.vhds, TYPE.virtualHost],
  [SERVICE.leds, TYPE.lbEndpoint],
] as const;

export interface MethodInfo {
  readonly variant: 'delta' | 'sotw';
  readonly onlyType: TypeSpec | undefined;
  readonly service: string;
}

export interface ServedService {
  readonly definition: Record<string, MethodDefinition<Buffer, OutgoingMessage>>;
  readonly handlers: UntypedServiceImplementation;
}

/** Definitions and handlers of all services; streams go to `open`, unary methods are refused. */
export function servedServices(open: (call: DiscoveryCall, info: MethodInfo) => void): ServedService[] {
  return SERVED.map(([service, type]) => {
    const definition: ServedService['definition'] = {};
    const handlers: UntypedServiceImplementation = {};
    const onlyType = type && typeSpec(type);
    for (const [name, method] of Object.entries(discoveryService(service))) {
      definition[name] = { ...method, responseSerialize: asBuffer, responseDeserialize: notAClient };
      const variant = name.startsWith('Delta') ? 'delta' : 'sotw';
      handlers[name] = method.responseStream
        ? (call: DiscoveryCall) => open(call, { variant, onlyType, service })
        : (_call: unknown, done: (error: object) => void) => done(UNIMPLEMENTED);
    }
    return { definition, handlers };
  });
}

const UNIMPLEMENTED = { code: status.UNIMPLEMENTED, details: 'only streams are served' };

/** grpc-js asks a serialized message for `byteLength` and `copy` only, which is what an OutgoingMessage has (NET-6). */
const asBuffer = (message: OutgoingMessage): Buffer => message as unknown as Buffer;

const notAClient = (): never => {
  throw new Error('the server reads no responses');
};
