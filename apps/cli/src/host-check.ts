import { checkHost, type HostFinding, type InstanceRegistration, type SocketAddress } from '#libs/launcher';

export interface HostPorts {
  readonly admin: SocketAddress;
  /** Undefined = none. */
  readonly metrics: SocketAddress | undefined;
  /** Names of services that the application calls. */
  readonly meshHosts?: readonly string[] | undefined;
}

/** What this host permits to the sidecar of an instance. */
export function findingsFor(
  { bind, app, outbound }: InstanceRegistration,
  { admin, metrics, meshHosts = [] }: HostPorts,
): Promise<HostFinding[]> {
  return checkHost({ bind, app, admin, ...(outbound ? { outbound } : {}), ...(metrics ? { metrics } : {}), meshHosts });
}

/** A finding for people: one line, and below it what to do. */
export const printed = ({ ok, id, message, fix }: HostFinding): string =>
  `${ok ? 'ok  ' : 'FAIL'}  ${id}: ${message}${fix ? `\n      ${fix}` : ''}`;
