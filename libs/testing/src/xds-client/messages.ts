import {
  create,
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  DiscoveryRequestSchema,
  DiscoveryResourceSchema,
  DiscoveryResponseSchema,
  fromBinary,
  toBinary,
} from '#libs/envoy-api';

/** The node a client presents; everything but the id is optional on the wire too. */
export interface FakeNode {
  readonly id: string;
  readonly cluster?: string;
  readonly userAgentName?: string;
  readonly userAgentVersion?: string;
  readonly clientFeatures?: readonly string[];
}

/** One request in either variant, as tests write it. */
export interface RequestFields {
  readonly type: string;
  readonly node?: FakeNode | undefined;
  readonly nonce?: string;
  readonly error?: string | undefined;
  /** Delta: names to add; state-of-the-world: the whole list. */
  readonly names?: readonly string[];
  readonly unsubscribe?: readonly string[];
  readonly initialVersions?: Readonly<Record<string, string>>;
  /** State-of-the-world only. */
  readonly version?: string;
}

/** One response in either variant. */
export interface ReceivedResponse {
  readonly type: string;
  readonly nonce: string;
  readonly resources: readonly ReceivedResource[];
  readonly removed: readonly string[];
  /** `system_version_info` or `version_info`. */
  readonly version: string;
  readonly bytes: number;
}

export interface ReceivedResource {
  /** Type URL of the resource itself, which must be that of the response (GEN-6). */
  readonly type: string;
  /** '' in state-of-the-world, where the name is inside the message. */
  readonly name: string;
  readonly version: string;
  readonly bytes: Uint8Array;
  readonly aliases: readonly string[];
  /** Milliseconds; `undefined`: it says none. */
  readonly ttlMs: number | undefined;
  /** It has no content: a sign of life, or that there is nothing under this name. */
  readonly hollow: boolean;
}

const GRPC_INVALID_ARGUMENT = 3;

const errorOf = (message: string | undefined) =>
  message === undefined ? {} : { errorDetail: { code: GRPC_INVALID_ARGUMENT, message } };

const nodeOf = (node: FakeNode | undefined): { node?: NonNullable<DeltaDiscoveryRequest['node']> } => {
  if (!node) return {};
  const [majorNumber = 0, minorNumber = 0, patch = 0] = (node.userAgentVersion ?? '0.0.0').split('.').map(Number);
  const request = create(DeltaDiscoveryRequestSchema, {
    node: {
      id: node.id,
      cluster: node.cluster ?? '',
      userAgentName: node.userAgentName ?? 'envoy',
      clientFeatures: [...(node.clientFeatures ?? [])],
      userAgentVersionType: {
        case: 'userAgentBuildVersion',
        value: { version: { majorNumber, minorNumber, patch } },
      },
    },
  });
  return request.node ? { node: request.node } : {};
};

export function encodeDelta(fields: RequestFields): Buffer {
  const message = create(DeltaDiscoveryRequestSchema, {
    typeUrl: fields.type,
    responseNonce: fields.nonce ?? '',
    resourceNamesSubscribe: [...(fields.names ?? [])],
    resourceNamesUnsubscribe: [...(fields.unsubscribe ?? [])],
    initialResourceVersions: { ...fields.initialVersions },
    ...nodeOf(fields.node),
    ...errorOf(fields.error),
  });
  return Buffer.from(toBinary(DeltaDiscoveryRequestSchema, message));
}

export function encodeSotw(fields: RequestFields): Buffer {
  const message = create(DiscoveryRequestSchema, {
    typeUrl: fields.type,
    versionInfo: fields.version ?? '',
    responseNonce: fields.nonce ?? '',
    resourceNames: [...(fields.names ?? [])],
    ...nodeOf(fields.node),
    ...errorOf(fields.error),
  });
  return Buffer.from(toBinary(DiscoveryRequestSchema, message));
}

/** A Resource of either variant. @param type of the response, for one without content */
function unwrapped(r: WireResource, type: string): ReceivedResource {
  return {
    type: r.resource?.typeUrl ?? type,
    name: r.name,
    version: r.version,
    bytes: r.resource?.value ?? new Uint8Array(),
    aliases: r.aliases,
    ttlMs: r.ttl && Number(r.ttl.seconds) * 1000 + r.ttl.nanos / 1_000_000,
    hollow: r.resource === undefined,
  };
}

export function decodeDelta(bytes: Buffer): ReceivedResponse {
  const message = fromBinary(DeltaDiscoveryResponseSchema, bytes);
  return {
    type: message.typeUrl,
    nonce: message.nonce,
    resources: message.resources.map((r) => unwrapped(r, message.typeUrl)),
    removed: message.removedResources,
    version: message.systemVersionInfo,
    bytes: bytes.length,
  };
}

export function decodeSotw(bytes: Buffer): ReceivedResponse {
  const message = fromBinary(DiscoveryResponseSchema, bytes);
  return {
    type: message.typeUrl,
    nonce: message.nonce,
    resources: message.resources.map((any) =>
      any.typeUrl === WRAPPED
        ? unwrapped(fromBinary(DiscoveryResourceSchema, any.value), message.typeUrl)
        : {
            ...{ type: any.typeUrl, name: '', version: message.versionInfo, bytes: any.value },
            ...{ aliases: [], ttlMs: undefined, hollow: false },
          },
    ),
    removed: [],
    version: message.versionInfo,
    bytes: bytes.length,
  };
}

type WireResource = ReturnType<typeof fromBinary<typeof DiscoveryResourceSchema>>;

const WRAPPED = 'type.googleapis.com/envoy.service.discovery.v3.Resource';
