import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  Cluster_DiscoveryType,
  ClusterSchema,
  create,
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
  fromBinary,
  MalformedMessage,
  toBinary,
} from '#libs/envoy-api';
import { Cell } from '../cell.js';
import { FrameCache } from '../frames.js';
import { DEFAULT_LIMITS } from '../limits.js';
import { endpointsNameOf } from './cluster.js';
import { decodeNode, decodeNodeId } from './node.js';
import { decodeDeltaRequest, decodeSotwRequest } from './request.js';

/** As the streams make them: ASCII. */
const nonceText = fc.string({ unit: fc.constantFrom('a', 'Z', '0', '.', '-', '_'), maxLength: 40 });
const name = fc.string({ unit: fc.constantFrom('a', 'b', '/', '*', '.', 'é', '漢'), maxLength: 12 });
const TYPE_URL = 'type.googleapis.com/envoy.config.cluster.v3.Cluster';

describe('requests, read by hand', () => {
  it('delta: says the same as the generated codec', () => {
    const fields = fc.record({
      typeUrl: name,
      responseNonce: name,
      resourceNamesSubscribe: fc.array(name),
      resourceNamesUnsubscribe: fc.array(name),
      initialResourceVersions: fc.dictionary(name, name, { noNullPrototype: true }),
      errorDetail: fc.option(fc.record({ code: fc.nat(16), message: name }), { nil: undefined }),
    });
    fc.assert(
      fc.property(fields, ({ errorDetail, ...rest }) => {
        const message = create(DeltaDiscoveryRequestSchema, { ...rest, ...(errorDetail ? { errorDetail } : {}) });
        const bytes = Buffer.from(toBinary(DeltaDiscoveryRequestSchema, message));
        expect(decodeDeltaRequest(bytes, DEFAULT_LIMITS)).toEqual({
          variant: 'delta',
          node: undefined,
          typeUrl: rest.typeUrl,
          nonce: rest.responseNonce,
          error: errorDetail?.message,
          subscribe: rest.resourceNamesSubscribe,
          unsubscribe: rest.resourceNamesUnsubscribe,
          initialVersions: new Map(Object.entries(rest.initialResourceVersions)),
        });
      }),
      { numRuns: 200 },
    );
  });

  it('state of the world: says the same as the generated codec', () => {
    const fields = fc.record({ typeUrl: name, responseNonce: name, versionInfo: name, resourceNames: fc.array(name) });
    fc.assert(
      fc.property(fields, (rest) => {
        const bytes = Buffer.from(toBinary(DiscoveryRequestSchema, create(DiscoveryRequestSchema, rest)));
        const request = decodeSotwRequest(bytes, DEFAULT_LIMITS);
        expect([request.typeUrl, request.nonce, request.names]).toEqual([
          rest.typeUrl,
          rest.responseNonce,
          rest.resourceNames,
        ]);
      }),
      { numRuns: 100 },
    );
  });

  it('the node: only what may be used', () => {
    const message = create(DeltaDiscoveryRequestSchema, {
      node: {
        id: 'mesh/ns/w/i',
        cluster: 'c',
        userAgentName: 'envoy',
        clientFeatures: ['f1', 'f2'],
        userAgentVersionType: {
          case: 'userAgentBuildVersion',
          value: { version: { majorNumber: 1, minorNumber: 40, patch: 0 } },
        },
        locality: { region: 'r' },
      },
    });
    const { node } = decodeDeltaRequest(Buffer.from(toBinary(DeltaDiscoveryRequestSchema, message)), DEFAULT_LIMITS);
    const features = ['f1', 'f2'];
    const expected = { id: 'mesh/ns/w/i', cluster: 'c', userAgentName: 'envoy', userAgentVersion: '1.40.0' };
    expect(node && decodeNode(node)).toEqual({ ...expected, clientFeatures: features });
    expect(node && decodeNodeId(node)).toBe('mesh/ns/w/i');
  });

  it('SEC-7 any bytes give a request or a MalformedMessage, nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          decodeDeltaRequest(Buffer.from(bytes), DEFAULT_LIMITS);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedMessage);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('responses, spliced', () => {
  const cell = (resourceName: string, version: string): Cell =>
    new Cell({ type: TYPE_URL, name: resourceName, version, bytes: Buffer.from('0a0161', 'hex') }, { encodes: 0 });

  it('delta and state of the world: the generated codec reads what was written', () => {
    const names = fc.uniqueArray(name, { maxLength: 5 });
    fc.assert(
      fc.property(names, names, nonceText, (held, removed, nonce) => {
        const cells = held.map((n) => cell(n, `v-${n}`));
        const cache = new FrameCache(1 << 20);
        for (let turn = 0; turn < 3; turn++) {
          const delta = cache.message({ variant: 'delta', form: 'plain', type: TYPE_URL, cells, removed }, nonce);
          const buffer = Buffer.alloc(delta.byteLength + 5);
          expect(delta.copy(buffer, 5)).toBe(delta.byteLength);
          const read = fromBinary(DeltaDiscoveryResponseSchema, buffer.subarray(5));
          expect([read.typeUrl, read.nonce, read.removedResources]).toEqual([TYPE_URL, nonce, removed]);
          expect(read.resources.map((r) => [r.name, r.version])).toEqual(held.map((n) => [n, `v-${n}`]));
          expect(read.resources.every((r) => r.resource?.typeUrl === TYPE_URL)).toBe(true); // GEN-6
        }
        const sotw = cache.message({ variant: 'sotw', form: 'plain', type: TYPE_URL, cells, removed: [] }, nonce);
        const bytes = Buffer.alloc(sotw.byteLength);
        sotw.copy(bytes);
        const read = fromBinary(DiscoveryResponseSchema, bytes);
        expect([read.typeUrl, read.nonce, read.resources.length]).toEqual([TYPE_URL, nonce, held.length]);
      }),
      { numRuns: 100 },
    );
  });

  it('a frame is built once for the same content, and the cache is bounded', () => {
    const cache = new FrameCache(2000);
    const cells = Array.from({ length: 50 }, (_, i) => cell(`n${i}`, 'v'));
    for (const one of cells)
      cache.message({ variant: 'delta', form: 'plain', type: TYPE_URL, cells: [one], removed: [] }, 'n');
    expect(cache.misses).toBe(50);
    const [first, last] = [cells[0], cells[49]];
    if (last) cache.message({ variant: 'delta', form: 'plain', type: TYPE_URL, cells: [last], removed: [] }, 'n');
    expect([cache.hits, cache.misses]).toEqual([1, 50]);
    if (first) cache.message({ variant: 'delta', form: 'plain', type: TYPE_URL, cells: [first], removed: [] }, 'n');
    expect([cache.hits, cache.misses]).toEqual([1, 51]);
  });

  it('the endpoints of a cluster go by its service name, else by its own', () => {
    const type = { case: 'type', value: Cluster_DiscoveryType.EDS } as const;
    const bytes = (fields: object): Uint8Array =>
      toBinary(ClusterSchema, create(ClusterSchema, { name: 'c', ...fields }));
    expect(endpointsNameOf(bytes({ clusterDiscoveryType: type }), 'c')).toBe('c');
    expect(endpointsNameOf(bytes({ clusterDiscoveryType: type, edsClusterConfig: { serviceName: 's' } }), 'c')).toBe(
      's',
    );
    expect(endpointsNameOf(bytes({}), 'c')).toBe('');
    expect(endpointsNameOf(Uint8Array.of(255), 'c')).toBe('');
  });
});
