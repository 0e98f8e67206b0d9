import { checkHost, type HostFinding, type InstanceRegistration, type SocketAddress } from '#libs/launcher';

/** What this host permits to the sidecar of an instance. */
export function findingsFor(
  { bind, app, outbound }: InstanceRegistration,
  admin: SocketAddress,
  meshHosts: readonly string[] = [],
): Promise<HostFinding[]> {
  return checkHost({ bind, app, admin, ...(outbound ? { outbound } : {}), meshHosts });
}

/** A finding for people: one line, and below it what to do. */
export const printed = ({ ok, id, message, fix }: HostFinding): string =>
  `${ok ? 'ok  ' : 'FAIL'}  ${id}: ${message}${fix ? `\n      ${fix}` : ''}`;
