/**
 * The compiled resources of one view as a bootstrap without a control plane, for `envoy --mode validate`: routes inline,
 * endpoints in their clusters, secrets from the file itself. Everything else is as it goes on the wire.
 */

import { type CompiledResource, UNRESOLVED_CLUSTER, XDS_CLUSTER } from '#libs/compiler';
import { resourceToJson, TYPE } from '#libs/envoy-api';
import type { Certificate } from '../self-signed.js';

type Json = { [key: string]: JsonValue };
type JsonValue = string | number | boolean | null | Json | JsonValue[];

/** @param secret stands for every secret */
export function staticBootstrap(resources: readonly CompiledResource[], secret: Certificate): Json {
  const of = (type: string): Map<string, Json> =>
    new Map(resources.filter((r) => r.type === type).map((r) => [r.name, resourceToJson(type, r.bytes) as Json]));
  const tables = of(TYPE.route);
  const endpoints = of(TYPE.endpoint);
  const scopes = [...of(TYPE.scopedRoute).values()];
  const clusters = [...of(TYPE.cluster).values()].map((cluster) => withEndpoints(cluster, endpoints));
  const listeners = [...of(TYPE.listener).values()].map((listener) =>
    walk(listener, (node) => inlined(node, tables, scopes)),
  );
  const nowhere = (name: string): Json => ({ name, type: 'STATIC', connectTimeout: '1s' });
  return {
    staticResources: {
      secrets: [
        {
          name: 'identity',
          tlsCertificate: {
            certificateChain: { inlineString: secret.certificate },
            privateKey: { inlineString: secret.key },
          },
        },
        { name: 'trust', validationContext: { trustedCa: { inlineString: secret.certificate } } },
      ],
      clusters: [
        ...clusters.map((cluster) => walk(cluster, secretsInline)),
        nowhere(UNRESOLVED_CLUSTER),
        nowhere(XDS_CLUSTER),
      ],
      listeners: listeners.map((listener) => walk(listener, secretsInline)),
    },
  };
}

function withEndpoints(cluster: Json, endpoints: ReadonlyMap<string, Json>): Json {
  if (cluster['type'] !== 'EDS') return cluster;
  const { edsClusterConfig: _, ...rest } = cluster;
  return { ...rest, type: 'STATIC', loadAssignment: endpoints.get(String(cluster['name'])) ?? {} };
}

/** Route configurations and scopes in place of the names by which they are asked for. */
function inlined(node: Json, tables: ReadonlyMap<string, Json>, scopes: readonly Json[]): Json {
  const table = (name: JsonValue | undefined): Json => {
    const found = tables.get(String(name));
    if (!found) throw new Error(`no route configuration ${String(name)}`);
    return found;
  };
  if (isObject(node['rds'])) {
    const { rds, ...rest } = node;
    return { ...rest, routeConfig: table((rds as Json)['routeConfigName']) };
  }
  const scoped = node['scopedRoutes'];
  if (!isObject(scoped)) return node;
  const { scopedRds: _, rdsConfigSource: __, ...rest } = scoped;
  const list = scopes.map(({ routeConfigurationName, ...scope }) => ({
    ...scope,
    routeConfiguration: table(routeConfigurationName),
  }));
  return { ...node, scopedRoutes: { ...rest, scopedRouteConfigurationsList: { scopedRouteConfigurations: list } } };
}

/** A secret without a source is one of the bootstrap's. */
function secretsInline(node: Json): Json {
  const { sdsConfig: _, ...rest } = node;
  return rest;
}

const isObject = (value: JsonValue | undefined): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function walk(node: Json, change: (node: Json) => Json): Json {
  return Object.fromEntries(Object.entries(change(node)).map(([key, value]) => [key, walkValue(value, change)]));
}

function walkValue(value: JsonValue, change: (node: Json) => Json): JsonValue {
  if (Array.isArray(value)) return value.map((item) => walkValue(item, change));
  return isObject(value) ? walk(value, change) : value;
}
