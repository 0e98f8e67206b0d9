/** Requests that are replayed, and what the evaluator says about them. Plain data. */
import type { HttpConnectionManager, RouteConfiguration, ScopedRouteConfiguration } from '#libs/envoy-api';

export interface Header {
  /** In lower case. */
  readonly name: string;
  readonly value: string;
}

/** A request as a client writes it. */
export interface SampleRequest {
  readonly method: string;
  /** Scheme of an absolute URL or of `:scheme`; undefined = as the connection has it, so plain HTTP. */
  readonly scheme?: 'http' | 'https' | undefined;
  /** `Host` or `:authority`, with the port if the client writes one. */
  readonly authority: string;
  /** Begins with `/`; with the query. */
  readonly path: string;
  /** A name may occur several times. */
  readonly headers: readonly Header[];
}

/** What one listener of one Envoy decides with. */
export interface RoutingConfig {
  readonly manager: HttpConnectionManager;
  /** Of the listener; `strip_matching_host_port` compares with it. */
  readonly port: number;
  /** Route configurations by name. */
  readonly tables: ReadonlyMap<string, RouteConfiguration>;
  readonly scopes: readonly ScopedRouteConfiguration[];
}

/** One step of changing headers; steps are carried out in order. `set` replaces all of the name, `add` appends. */
export type HeaderStep =
  | { readonly type: 'remove'; readonly name: string }
  | { readonly type: 'set' | 'add'; readonly name: string; readonly value: string };

export interface HeaderSteps {
  readonly request: readonly HeaderStep[];
  readonly response: readonly HeaderStep[];
}

export interface ClusterShare {
  readonly cluster: string;
  readonly weight: number;
  /** `weight` over the sum of weights, 0 to 1. */
  readonly share: number;
  /** Steps of this cluster alone; they come before those of the route. */
  readonly headers: HeaderSteps;
}

/** Settings of the route; the request's own `x-envoy-*` headers are not looked at. */
export interface RetrySummary {
  readonly on: readonly string[];
  readonly codes: readonly number[];
  readonly retries: number;
  /** 0 = no limit of its own. */
  readonly perTryTimeoutMs: number;
}

export interface Forwarded {
  readonly type: 'forwarded';
  readonly clusters: readonly ClusterShare[];
  /** Status when Envoy has no such cluster: 503, 404 or 500. */
  readonly missingClusterStatus: number;
  /** As the upstream sees them. */
  readonly path: string;
  readonly authority: string;
  readonly headers: HeaderSteps;
  /** 0 = no limit. */
  readonly timeoutMs: number;
  readonly retry: RetrySummary | undefined;
  /** `share` 0 to 1. */
  readonly mirrors: readonly { readonly cluster: string; readonly share: number }[];
}

export type Verdict =
  | Forwarded
  | { readonly type: 'redirected'; readonly status: number; readonly location: string; readonly headers: HeaderSteps }
  | { readonly type: 'answered'; readonly status: number; readonly headers: HeaderSteps }
  /** 400 by the connection manager, before any route is looked at. */
  | { readonly type: 'refused'; readonly status: number; readonly reason: string }
  /** 404: nothing is for this request. */
  | { readonly type: 'notFound'; readonly reason: string }
  /** The evaluator does not know a field that decides; each as a path into the message. */
  | { readonly type: 'unsupported'; readonly fields: readonly string[] };

/** Why a route did not take the request. */
export interface WhyNot {
  readonly route: string;
  /** Position in its virtual host, from 0. */
  readonly index: number;
  readonly reason: string;
}

export interface Evaluation {
  /** Name of the scope, when there are scopes and one is for the host. */
  readonly scope: string | undefined;
  readonly table: string | undefined;
  readonly virtualHost: string | undefined;
  readonly route: string | undefined;
  /** Position in the virtual host: routes of one rule share their name. */
  readonly routeIndex: number | undefined;
  readonly verdict: Verdict;
}

export interface ExplainedEvaluation extends Evaluation {
  readonly whyNot: readonly WhyNot[];
}
