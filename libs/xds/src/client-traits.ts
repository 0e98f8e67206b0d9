import type { NodeInfo } from './types.js';

/** How a client differs from others, by what it says of itself: encodings and courtesies, never rights. */
export interface ClientTraits {
  /** gRPC clients never mean everything by an empty list (WILD-6). */
  readonly grpc: boolean;
  /** It drops resources after their time to live (TTL-1). */
  readonly lifetimes: boolean;
  /** Its virtual hosts outlive an update of their routes (OND-3). */
  readonly keepsHosts: boolean;
}

export const PLAIN_CLIENT: ClientTraits = { grpc: false, lifetimes: false, keepsHosts: false };

const TTL = 'supports-resource-ttl';
const IN_SOTW = 'supports-resource-in-sotw';
/** First Envoy that was seen to keep its virtual hosts. */
const KEEPS_HOSTS = [1, 40];

export function traitsOf(node: NodeInfo, variant: 'delta' | 'sotw'): ClientTraits {
  const known = (feature: string): boolean =>
    node.clientFeatures.some((one) => one === `xds.config.${feature}` || one === `envoy.config.${feature}`);
  const [major = 0, minor = 0] = node.userAgentVersion.split('.').map(Number);
  const [keepsMajor = 0, keepsMinor = 0] = KEEPS_HOSTS;
  return {
    grpc: /^grpc/i.test(node.userAgentName),
    lifetimes: known(TTL) && (variant === 'delta' || known(IN_SOTW)),
    keepsHosts: node.userAgentName === 'envoy' && (major > keepsMajor || (major === keepsMajor && minor >= keepsMinor)),
  };
}
