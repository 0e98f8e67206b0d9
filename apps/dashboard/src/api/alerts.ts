/** Alerts, silences and objectives: what pages ask of them. */
import { type QueryKey, queryOptions } from '@tanstack/react-query';
import type { ListView, PageView } from '#libs/api/views';
import { every } from './again';
import { get } from './client';
import type { AlertEvent, AlertView, ObjectiveView, Silence } from './signals';

const LOOK_MS = 5_000;
const LATER_MS = 30_000;

const pathOf = (mesh: string): string => `/api/v1/meshes/${mesh}`;

/** What is the matter, the most urgent first. */
export const alertsOf = (mesh: string) =>
  queryOptions({
    queryKey: ['mesh', mesh, 'alerts'] as QueryKey,
    queryFn: ({ signal }) => get<ListView<AlertView>>(`${pathOf(mesh)}/alerts`, signal),
    refetchInterval: every(LOOK_MS),
  });

export const silencesOf = (mesh: string) =>
  queryOptions({
    queryKey: ['mesh', mesh, 'silences'] as QueryKey,
    queryFn: ({ signal }) => get<ListView<Silence>>(`${pathOf(mesh)}/silences`, signal),
    refetchInterval: every(LOOK_MS),
  });

export const objectivesOf = (mesh: string) =>
  queryOptions({
    queryKey: ['mesh', mesh, 'objectives'] as QueryKey,
    queryFn: ({ signal }) => get<ListView<ObjectiveView>>(`${pathOf(mesh)}/alerts/objectives`, signal),
    refetchInterval: every(LATER_MS),
  });

export type AlertHistory = PageView<AlertEvent>;

/** What began and what ended, the newest first. @param query `fingerprint=...`, `cursor=...` */
export const alertHistory = (mesh: string, query: string, signal: AbortSignal): Promise<AlertHistory> =>
  get<AlertHistory>(`${pathOf(mesh)}/alerts/history?${query}`, signal);

/** Of one alert. */
export const historyOfAlert = (mesh: string, fingerprint: string) =>
  queryOptions({
    queryKey: ['mesh', mesh, 'alerts', 'history', fingerprint] as QueryKey,
    queryFn: ({ signal }) => alertHistory(mesh, `limit=50&fingerprint=${encodeURIComponent(fingerprint)}`, signal),
    refetchInterval: every(LOOK_MS),
  });
