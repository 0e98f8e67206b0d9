import type { BootstrapInfo, SidecarFiles } from '#libs/launcher';
import type { Session } from './command.js';
import { instanceName, type ProxyFlags, pairs } from './proxy-flags.js';

/** What a sidecar's files are made of: asks the control plane for its address, its CA and a token for this one instance. */
export async function sidecarFiles(
  s: Session,
  flags: ProxyFlags & { readonly ttlDays?: string; readonly address?: readonly string[] },
): Promise<SidecarFiles> {
  const instance = instanceName(flags);
  const namespace = s.context.namespace;
  const info = await s.rest.get<BootstrapInfo>('/api/v1/bootstrap');
  const addresses = flags.address ?? [`${flags.bind}/32`];
  const { token } = await s.rest.send<{ token: string }>(
    'POST',
    `${s.meshPath}/namespaces/${encodeURIComponent(namespace)}/proxy-tokens`,
    {
      body: {
        workload: flags.workload,
        instance,
        labels: pairs('--label', flags.label ?? []),
        addresses,
        ...(flags.ttlDays ? { ttlDays: Number(flags.ttlDays) } : {}),
      },
    },
  );
  return {
    identity: { mesh: s.context.mesh, namespace, workload: flags.workload, instance },
    xds: info.xds,
    caPem: info.caPem,
    admin: { address: '127.0.0.1', port: Number(flags.adminPort) },
    token,
  };
}
