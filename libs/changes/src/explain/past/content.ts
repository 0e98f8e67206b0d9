import { resourceToJson, TYPE } from '#libs/envoy-api';

const URLS: ReadonlyMap<string, string> = new Map([
  ['CDS', TYPE.cluster],
  ['LDS', TYPE.listener],
  ['SRDS', TYPE.scopedRoute],
  ['RDS', TYPE.route],
  ['EDS', TYPE.endpoint],
]);

/** The message of a resource as protobuf JSON; one that holds what this build does not know, as base64. */
export function readable(type: string, bytes: Uint8Array | undefined): unknown {
  if (bytes === undefined) return undefined;
  try {
    return resourceToJson(URLS.get(type) ?? '', bytes);
  } catch {
    return { base64: Buffer.from(bytes).toString('base64') };
  }
}
