import type { AlertReceiver, AlertRule, ServiceLevelObjective } from '#libs/model';
import { createRegistry, parseDocuments } from '#libs/model';
import { type EdgeCell, LatencySketch, type Outcome } from '#libs/telemetry';
import type { MeshFacts, ServerFacts } from '../ports.js';

const registry = createRegistry([]);

/** What a manifest of a kind means; `spec` is YAML in one line. */
function meaning(kind: string, name: string, spec: string, namespace = 'shop') {
  const text = `{apiVersion: heddle.dev/v1alpha1, kind: ${kind}, metadata: {name: ${name}, namespace: ${namespace}}, spec: ${spec}}`;
  const [document] = parseDocuments(text);
  if (!document?.result.ok) throw new Error(text);
  const parsed = registry.parse(document.result.value, 'default');
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value.toDomain({ kind, namespace, name, revision: 1, createdRevision: 1 });
}

export function objective(name: string, spec: string): ServiceLevelObjective {
  const value = meaning('ServiceLevelObjective', name, spec);
  if (value.type !== 'ServiceLevelObjective') throw new Error(value.type);
  return value.value;
}

export function rule(name: string, spec: string, namespace?: string): AlertRule {
  const value = meaning('AlertRule', name, spec, namespace);
  if (value.type !== 'AlertRule') throw new Error(value.type);
  return value.value;
}

export function receiver(name: string, spec: string, namespace?: string): AlertReceiver {
  const value = meaning('AlertReceiver', name, spec, namespace);
  if (value.type !== 'AlertReceiver') throw new Error(value.type);
  return value.value;
}

export const noFacts: MeshFacts = { authorities: [], certificates: [], refusing: [], behind: [], offline: [] };
export const goodServer: ServerFacts = { silent: [], databaseMs: 1 };

export interface CellOptions {
  readonly at: number;
  readonly lengthMs?: number;
  readonly outcome?: Outcome;
  readonly requests: number;
  readonly attempts?: number;
  readonly callee?: string;
  readonly caller?: string;
  readonly route?: string;
  /** Each of `requests` takes so long. */
  readonly ms?: number;
}

export function edge({ at, lengthMs = 60_000, outcome = 'ok', requests, ms = 10, ...more }: CellOptions): EdgeCell {
  const latencies = new LatencySketch();
  if (requests > 0) latencies.add(ms, requests);
  return {
    ...{ at, lengthMs, complete: true, outcome, requests, latencies, attempts: more.attempts ?? requests },
    ...{ caller: more.caller ?? 'shop/web', callee: more.callee ?? 'shop/orders/80' },
    ...{ route: more.route ?? 'HTTPRoute/shop/orders/0', subset: '', status: outcome === 'ok' ? 200 : 503 },
  };
}
