import { type BootstrapInfo, type InstanceRegistration, type IssuedToken, type SidecarFiles } from '#libs/launcher';
import type { Session } from './command.js';
import { PROXY_TOKEN_DAYS, wholeNumber } from './numbers.js';
import {
  adminAddress,
  instanceName,
  metricsListener,
  type ProxyFlags,
  pairs,
  registration,
  requireUsable,
  type StatisticsFlags,
  statistics,
} from './proxy-flags.js';

export type JoinFlags = ProxyFlags &
  StatisticsFlags & { readonly ttlDays?: string; readonly address?: readonly string[] };

/** All that a sidecar needs, made from flags and answers of the control plane. */
export interface Joined {
  readonly registration: InstanceRegistration;
  readonly files: SidecarFiles;
  /** When its token ends, ISO 8601. */
  readonly tokenEnds: string;
}

/**
 * Registers the instance, then gets it a token for itself alone: a registration that is refused leaves no token behind.
 * @throws CliError for flags that cannot work, before anything is asked for
 */
export async function join(s: Session, flags: JoinFlags): Promise<Joined> {
  const body = registration(flags);
  requireUsable(body);
  const admin = adminAddress(flags);
  const metrics = metricsListener(flags);
  const counted = { ...statistics(flags), ...(metrics ? { metrics } : {}) };
  const days =
    flags.ttlDays === undefined ? {} : { ttlDays: wholeNumber('--ttl-days', flags.ttlDays, PROXY_TOKEN_DAYS) };
  const instance = instanceName(flags);
  const info = await s.rest.get<BootstrapInfo>('/api/v1/bootstrap');
  await s.rest.send('PUT', `${s.namespacePath}/instances/${encodeURIComponent(instance)}`, { body });
  const { token, expiresAt } = await s.rest.send<IssuedToken>('POST', `${s.namespacePath}/proxy-tokens`, {
    body: {
      workload: flags.workload,
      instance,
      labels: pairs('--label', flags.label ?? []),
      addresses: flags.address ?? [`${flags.bind}/${flags.bind.includes(':') ? 128 : 32}`],
      ...days,
    },
  });
  const { mesh, namespace } = s.context;
  return {
    registration: body,
    files: {
      identity: { mesh, namespace, workload: flags.workload, instance },
      xds: info.xds,
      caPem: info.caPem,
      admin,
      token,
      ...counted,
    },
    tokenEnds: expiresAt,
  };
}
