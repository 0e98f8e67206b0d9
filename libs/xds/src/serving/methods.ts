import { discoveryService, SERVICE, TYPE } from '#libs/envoy-api';
import type { Call } from '../transport/call.js';
import type { Admitted } from '../transport/carrier.js';
import { type TypeSpec, typeSpec } from '../type-specs.js';

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

export type Handler = (call: Call, admitted: Admitted) => void;

/** Handlers of the methods of all discovery services, by path: streams go to `open`, unary methods are refused. */
export function discoveryMethods(
  open: (call: Call, admitted: Admitted, info: MethodInfo) => void,
): [string, Handler][] {
  return SERVED.flatMap(([service, type]) => {
    const onlyType = type && typeSpec(type);
    return Object.entries(discoveryService(service)).map(([name, { path, responseStream }]): [string, Handler] => {
      const variant = name.startsWith('Delta') ? 'delta' : 'sotw';
      if (!responseStream) return [path, refuseUnary];
      return [path, (call, admitted) => open(call, admitted, { variant, onlyType, service })];
    });
  });
}

function refuseUnary(call: Call, { leave }: Admitted): void {
  leave();
  call.end('UNIMPLEMENTED', 'only streams are served');
}
