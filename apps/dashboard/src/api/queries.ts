/** Everything that pages ask for, by one name each, so that events know what to ask for again. */
import { type QueryKey, queryOptions } from '@tanstack/react-query';
import { get, getAll } from './client';
import type { ChangePage, HistoryEntry, OpenApi, Plan, ProxyStatus, StoredManifest } from './types';
import type { CatalogueViews } from './views';

/** Milliseconds between two looks at what no event tells of: instances and proxies. */
const LOOK_MS = 5_000;

const meshPath = (mesh: string): string => `/api/v1/meshes/${mesh}`;
const boardPath = (mesh: string): string => `/api/dashboard/meshes/${mesh}`;

/** A view of one of the dashboard's own modules. */
export const viewOf = <N extends keyof CatalogueViews>(mesh: string, name: N) =>
  queryOptions({
    queryKey: ['mesh', mesh, name] as QueryKey,
    queryFn: ({ signal }) => get<CatalogueViews[N]>(`${boardPath(mesh)}/${name}`, signal),
    refetchInterval: LOOK_MS,
  });

export const serviceOf = (mesh: string, namespace: string, name: string) =>
  queryOptions({
    queryKey: ['mesh', mesh, 'service', namespace, name] as QueryKey,
    queryFn: ({ signal }) =>
      get<import('./views').ServiceDetail>(`${boardPath(mesh)}/services/${namespace}/${name}`, signal),
    refetchInterval: LOOK_MS,
  });

export const proxiesOf = (mesh: string) =>
  queryOptions({
    queryKey: ['mesh', mesh, 'proxies'] as QueryKey,
    queryFn: async ({ signal }) =>
      (await get<{ items: readonly ProxyStatus[] }>(`${meshPath(mesh)}/proxies`, signal)).items,
    refetchInterval: LOOK_MS,
  });

export const historyOf = (mesh: string, query = '') =>
  queryOptions({
    queryKey: ['mesh', mesh, 'history', query] as QueryKey,
    queryFn: async ({ signal }) =>
      (await get<{ items: readonly HistoryEntry[] }>(`${meshPath(mesh)}/history?delivery=true${query}`, signal)).items,
  });

export const changeOf = (mesh: string, change: string) =>
  queryOptions({
    queryKey: ['mesh', mesh, 'change', change] as QueryKey,
    queryFn: ({ signal }) => get<ChangePage>(`${meshPath(mesh)}/changes/${change}`, signal),
  });

export const planOf = (mesh: string, plan: string) =>
  queryOptions({
    queryKey: ['plan', mesh, plan] as QueryKey,
    queryFn: ({ signal }) => get<Plan>(`${meshPath(mesh)}/plans/${plan}`, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });

/** @param path of the list in the API */
export const resourcesAt = (mesh: string, plural: string, path: string) =>
  queryOptions({
    queryKey: ['mesh', mesh, 'resources', plural] as QueryKey,
    queryFn: ({ signal }) => getAll<StoredManifest>(path, signal),
  });

/** @param path of the resource in the API */
export const resourceAt = (mesh: string, path: string) =>
  queryOptions({
    queryKey: ['mesh', mesh, 'resource', path] as QueryKey,
    queryFn: ({ signal }) => get<StoredManifest>(path, signal),
  });

export const openApi = () =>
  queryOptions({
    queryKey: ['openapi'] as QueryKey,
    queryFn: ({ signal }) => get<OpenApi>('/api/openapi.json', signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
