/** What Prometheus scrapes, in the format of its HTTP service discovery. */
import type { Scraping } from '#libs/changes';
import { compareCodeUnits, hostPort } from '#libs/kernel';
import type { InstanceSpec, Labels } from '#libs/model';
import type { InstanceRow } from '#libs/store';

export interface TargetGroup {
  /** `<address>:<port>`, one for each group, since no two have the same labels. */
  readonly targets: readonly [string];
  /**
   * All begin with `__meta_heddle_`, so that a scrape configuration says which of them series get, but for
   * `__metrics_path__`, which Prometheus takes by itself.
   */
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

/** Where everything is; less of it is below. */
const METRICS_PATH = '/stats/prometheus';

export interface Discovered {
  readonly mesh: string;
  readonly instances: readonly InstanceRow[];
  /** Those that the reader may know of. */
  readonly services: readonly Selecting[];
  readonly scraping: (instance: InstanceSpec) => Scraping;
}

/** Sidecars that let Prometheus in, by namespace and name. */
export function targetsOf({ mesh, instances, services, scraping }: Discovered): TargetGroup[] {
  const byNamespace = Map.groupBy(services, ({ namespace }) => namespace);
  return instances
    .flatMap((row) => {
      if (!row.metrics) return [];
      const names = servicesOf(row, byNamespace.get(row.namespace) ?? []);
      const labels = { ...labelsOf(mesh, row, names), ...policyLabels(row, scraping(row)) };
      return [{ targets: [hostPort(row.metrics.address, row.metrics.port)] as const, labels }];
    })
    .sort((a, b) => compareCodeUnits(keyOf(a), keyOf(b)));
}

const keyOf = ({ labels }: TargetGroup): string =>
  `${labels['__meta_heddle_namespace']}/${labels['__meta_heddle_instance']}`;

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

/** What its start-up file does not offer would be answered 404: it is read whole then. */
function policyLabels({ metrics }: InstanceRow, { tags, detail }: Scraping): Labels {
  const told = Object.entries(tags).map(([name, value]) => [`__meta_heddle_tag_${name}`, value]);
  const isOffered = detail !== undefined && metrics?.details?.includes(detail) === true;
  return {
    ...Object.fromEntries(told),
    ...(isOffered && { __metrics_path__: `${METRICS_PATH}/${detail.toLowerCase()}` }),
  };
}
