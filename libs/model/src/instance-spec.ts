/**
 * Where a sidecar listens, where its application does, and what it was granted. Port maps are by port name: the inbound
 * listener, cluster and route configuration of port `http` are named `inbound/http`.
 */
export interface InstanceSpec {
  readonly mesh: string;
  readonly namespace: string;
  readonly workload: string;
  readonly name: string;
  /** Granted labels; `workload` is always among them. */
  readonly labels: Readonly<Record<string, string>>;
  readonly bind: { readonly address: string; readonly ports: Readonly<Record<string, number>> };
  readonly app: { readonly address: string; readonly ports: Readonly<Record<string, number>> };
  /** Address that callers dial; default `bind.address`. */
  readonly advertised: string;
  readonly outbound: { readonly address: string; readonly httpPort: number };
  readonly host: string;
  readonly locality: { readonly region: string; readonly zone: string };
  /** Where Prometheus reaches the statistics of its sidecar; absent = nowhere. */
  readonly metrics?: {
    readonly address: string;
    readonly port: number;
    /** Names of less than everything that it answers too. */
    readonly details?: readonly string[];
  };
}

/** A running copy of a workload, as the compiler sees it. */
export interface Instance extends InstanceSpec {
  /** Booleans of its Envoy's version (`srds`, ...): select encodings only. Empty until it first connected. */
  readonly features: readonly string[];
  /** Serves traffic: appears in endpoint lists. */
  readonly routable: boolean;
}

/** Every member, also the optional ones: one that is added and forgotten below does not compile. */
type Members = { readonly [Name in keyof Required<InstanceSpec>]: InstanceSpec[Name] };

/** Exactly the members of a spec, in a fixed order, whatever else the object carries. */
export function instanceSpecOf(instance: InstanceSpec): InstanceSpec {
  const { metrics, ...spec }: Members = {
    mesh: instance.mesh,
    namespace: instance.namespace,
    workload: instance.workload,
    name: instance.name,
    labels: instance.labels,
    bind: instance.bind,
    app: instance.app,
    advertised: instance.advertised,
    outbound: instance.outbound,
    host: instance.host,
    locality: instance.locality,
    metrics: instance.metrics,
  };
  return metrics === undefined ? spec : { ...spec, metrics };
}
