/** What replicas see of a staged change at the proxies that they serve, and what that adds up to. */

/** Requests of proxies since they were given the change, and before; failures are 5xx answers and requests without a route. */
export interface Traffic {
  readonly requests: number;
  readonly failures: number;
  readonly requestsBefore: number;
  readonly failuresBefore: number;
}

export interface RefusedContent {
  readonly proxy: string;
  readonly type: string;
  readonly name: string;
  /** Envoy's words. */
  readonly message: string;
}

/** The proxies of one host. */
export interface HostEvidence {
  /** Connected ones that were given it. */
  readonly given: number;
  /** Of these, the ones that have not ACKed everything yet. */
  readonly behind: readonly string[];
  readonly refused: readonly RefusedContent[];
  /** Proxies that went away within 10 s of being given it, and came back empty. */
  readonly disconnected: readonly string[];
  /** By what is counted: `outbound`, `inbound <port>`, `cluster <name>`. Only where something failed since. */
  readonly traffic: Readonly<Record<string, Traffic>>;
}

export interface Evidence {
  /** False until the replica has published the step. */
  readonly published: boolean;
  /** Milliseconds since the last of them had ACKed everything; since publication if there was none. */
  readonly settledMs: number;
  readonly hosts: Readonly<Record<string, HostEvidence>>;
  /** Proxies that were not given it, at the same time and by the same counts. */
  readonly others: Readonly<Record<string, Traffic>>;
}

/** Of all replicas. */
export interface Sum {
  readonly hosts: ReadonlyMap<string, HostEvidence>;
  readonly others: ReadonlyMap<string, Traffic>;
  readonly given: number;
  readonly behind: readonly string[];
  readonly settledMs: number;
}

const NO_TRAFFIC: Traffic = { requests: 0, failures: 0, requestsBefore: 0, failuresBefore: 0 };
const NO_HOST: HostEvidence = { given: 0, behind: [], refused: [], disconnected: [], traffic: {} };

const plus = (a: Traffic, b: Traffic): Traffic => ({
  requests: a.requests + b.requests,
  failures: a.failures + b.failures,
  requestsBefore: a.requestsBefore + b.requestsBefore,
  failuresBefore: a.failuresBefore + b.failuresBefore,
});

function addTraffic(target: Map<string, Traffic>, more: Readonly<Record<string, Traffic>>): void {
  for (const [scope, traffic] of Object.entries(more))
    target.set(scope, plus(target.get(scope) ?? NO_TRAFFIC, traffic));
}

const addHost = (a: HostEvidence, b: HostEvidence): HostEvidence => {
  const traffic = new Map(Object.entries(a.traffic));
  addTraffic(traffic, b.traffic);
  return {
    given: a.given + b.given,
    behind: [...a.behind, ...b.behind],
    refused: [...a.refused, ...b.refused],
    disconnected: [...a.disconnected, ...b.disconnected],
    traffic: Object.fromEntries(traffic),
  };
};

/** Adds up what replicas have seen; each proxy is counted by the replicas that it has streams to. */
export function sumOf(evidence: readonly Evidence[]): Sum {
  const hosts = new Map<string, HostEvidence>();
  const others = new Map<string, Traffic>();
  for (const one of evidence) {
    for (const [host, seen] of Object.entries(one.hosts)) hosts.set(host, addHost(hosts.get(host) ?? NO_HOST, seen));
    addTraffic(others, one.others);
  }
  const all = [...hosts.values()];
  return {
    ...{ hosts, others },
    given: all.reduce((sum, { given }) => sum + given, 0),
    behind: all.flatMap(({ behind }) => behind).sort(),
    settledMs: Math.min(...evidence.map(({ settledMs }) => settledMs)),
  };
}
