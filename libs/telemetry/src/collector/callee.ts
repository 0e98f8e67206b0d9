import type { LogEntry } from '../access-logs/log-entry.js';
import { OTHER } from '../model/index.js';
import type { KnownService, MeshNames } from './mesh-names.js';
import type { Sidecar } from './sidecar.js';

/** What was called. */
export interface Callee {
  /** `<namespace>/<service>/<port>`; '' when it cannot be told. */
  readonly callee: string;
  readonly subset: string;
  readonly service: KnownService | undefined;
}

const NOBODY: Callee = { callee: '', subset: '', service: undefined };

/** By the cluster, or, of a request that was sent to none, by its host. A service that nobody has is `other`. */
export function calleeOf(entry: Pick<LogEntry, 'cluster' | 'host'>, from: Sidecar, names: MeshNames): Callee {
  const named = calleeOfCluster(entry.cluster, from.mesh, names);
  if (named) return named;
  const service = entry.host === '' ? undefined : names.serviceNamed(from.mesh, from.namespace, entry.host);
  const port = service?.ports.find(({ protocol }) => protocol !== 'tcp') ?? service?.ports[0];
  return service && port ? { callee: `${service.key}/${port.port}`, subset: '', service } : NOBODY;
}

/** Undefined for what is no cluster of callers. */
export function calleeOfCluster(cluster: string, mesh: string, names: MeshNames): Callee | undefined {
  const [namespace = '', name = '', port = '', subset = ''] = cluster.split('/');
  if (!/^\d{1,5}$/.test(port)) return undefined;
  const key = `${namespace}/${name}`;
  const service = names.service(mesh, key);
  // Names that a sidecar made up shall not fill anybody's pages.
  if (!service && names.knows(mesh)) return { callee: OTHER, subset: '', service };
  return { callee: `${key}/${port}`, subset, service };
}

/** What a callee's sidecar served: of the services that its instance is of, the one that has the port and the host. */
export function calleeServed(entry: Pick<LogEntry, 'cluster' | 'host'>, at: Sidecar, names: MeshNames): Callee {
  const instance = names.instance(at.mesh, at.key);
  if (!instance) return NOBODY;
  const portName = entry.cluster.startsWith('inbound/') ? entry.cluster.slice('inbound/'.length) : '';
  const services = names.servicesOf(at.mesh, instance);
  const meant = names.serviceNamed(at.mesh, at.namespace, entry.host)?.key;
  const service = services.find(({ key }) => key === meant) ?? services[0];
  const port = service?.ports.find(({ targetPort }) => targetPort === portName) ?? service?.ports[0];
  return service && port ? { callee: `${service.key}/${port.port}`, subset: '', service } : NOBODY;
}
