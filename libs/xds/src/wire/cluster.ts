import { Reader } from '#libs/envoy-api';

const CLUSTER = { type: 2, edsClusterConfig: 3 };
const EDS = 3;

/**
 * The name under which a client will ask for the endpoints of an encoded Cluster: `eds_cluster_config.service_name`,
 * else the cluster's own name; '' for a cluster that is not of type EDS. Never throws: bytes that are no cluster have none.
 */
export function endpointsNameOf(bytes: Uint8Array, name: string): string {
  try {
    return endpointsName(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), name);
  } catch {
    return '';
  }
}

function endpointsName(bytes: Buffer, name: string): string {
  let [type, service] = [0, ''];
  const reader = new Reader(bytes);
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === CLUSTER.type) type = reader.integer();
    else if (field === CLUSTER.edsClusterConfig) service = serviceName(reader.bytes());
    else reader.skip();
  }
  return type === EDS ? service || name : '';
}

/** EdsClusterConfig{service_name = 2} */
function serviceName(bytes: Buffer): string {
  const reader = new Reader(bytes);
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 2) return reader.string();
    reader.skip();
  }
  return '';
}
