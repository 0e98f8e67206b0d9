import { hostPort } from '#libs/kernel';
import type { SocketAddress } from './socket-address.js';

export interface ProxyEnvOptions {
  /** The sidecar's shared HTTP port: `outbound.address` and `outbound.httpPort` of the instance. */
  readonly outbound: SocketAddress;
  /** Names that have a listener of their own (gRPC and TCP services): they must not go through the proxy. */
  readonly direct?: readonly string[];
}

/** Always past the proxy. gRPC clients would ask it for a CONNECT tunnel, even to the loopback listeners, and be refused. */
const LOCAL = ['127.0.0.0/8', 'localhost'];

/**
 * The environment that sends an application's plain HTTP calls through its sidecar. Only lower-case `http_proxy`: the
 * upper-case form is ignored by careful clients (it could come from a request header in CGI programs). `https_proxy` is
 * left alone: mesh hosts are called by http, the sidecars encrypt.
 */
export function proxyEnv({ outbound, direct = [] }: ProxyEnvOptions): Readonly<Record<string, string>> {
  const noProxy = [...LOCAL, ...direct].join(',');
  return { http_proxy: `http://${hostPort(outbound.address, outbound.port)}`, no_proxy: noProxy, NO_PROXY: noProxy };
}

/**
 * The environment as text.
 * @param format `shell`: `export` lines for `eval`; `env`: `NAME=value` lines, for systemd's EnvironmentFile and Docker.
 */
export function formatEnv(env: Readonly<Record<string, string>>, format: 'shell' | 'env'): string {
  const line = ([name, value]: [string, string]): string =>
    format === 'shell' ? `export ${name}='${value.replaceAll("'", "'\\''")}'` : `${name}=${value}`;
  return `${Object.entries(env).map(line).join('\n')}\n`;
}
