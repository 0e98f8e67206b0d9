/** What Prometheus scrapes, in the format of its HTTP service discovery. */
import { isIPv6 } from 'node:net';
import { compareCodeUnits } from '#libs/kernel';
import type { Labels } from '#libs/model';
import type { InstanceRow } from '#libs/store';

export interface TargetGroup {
  /** `<address>:<port>`, one for each group, since no two have the same labels. */
  readonly targets: readonly [string];
  /** All begin with `__meta_heddle_`: a scrape configuration says which of them series get. */
  readonly labels: Labels;
}

/** A service as far as it says which instances are its own. */
export interface Selecting {
  readonly namespace: string;
  readonly name: string;
  readonly selector: Labels;
}

/** Services of one instance that are named; more than a few are a mistake of somebody. */
const SERVICES = 20;

/** Sidecars that let Prometheus in, by namespace and name. @param services those that the reader may know of */
export function targetsOf(
  mesh: string,
  instances: readonly InstanceRow[],
  services: readonly Selecting[],
): TargetGroup[] {
  const byNamespace = Map.groupBy(services, ({ namespace }) => namespace);
  return instances
    .flatMap((row) => {
      const names = servicesOf(row, byNamespace.get(row.namespace) ?? []);
      return row.metrics ? [{ targets: [hostPort(row.metrics)] as const, labels: labelsOf(mesh, row, names) }] : [];
    })
    .sort((a, b) => compareCodeUnits(keyOf(a), keyOf(b)));
}

const keyOf = ({ labels }: TargetGroup): string =>
  `${labels['__meta_heddle_namespace']}/${labels['__meta_heddle_instance']}`;

const hostPort = ({ address, port }: { readonly address: string; readonly port: number }): string =>
  `${isIPv6(address) ? `[${address}]` : address}:${port}`;

const servicesOf = ({ labels }: InstanceRow, services: readonly Selecting[]): string[] =>
  services
    .filter(({ selector }) => Object.entries(selector).every(([name, value]) => labels[name] === value))
    .map(({ name }) => name)
    .sort(compareCodeUnits)
    .slice(0, SERVICES);

function labelsOf(mesh: string, row: InstanceRow, services: readonly string[]): Labels {
  const { namespace, name, workload, labels, host, locality, envoyVersion } = row;
  const told: Labels = {
    ...{ mesh, namespace, instance: name, workload, host },
    ...{ service: services[0] ?? '', services: services.length > 0 ? `,${services.join(',')},` : '' },
    ...{ version: labels['version'] ?? '', zone: locality.zone, region: locality.region, envoy_version: envoyVersion },
  };
  // To Prometheus an empty label is none.
  const known = Object.entries(told).filter(([, value]) => value !== '');
  return Object.fromEntries(known.map(([label, value]) => [`__meta_heddle_${label}`, value]));
}
