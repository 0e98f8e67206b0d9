import type { Operation } from '../openapi.operation.js';
import { inputSchema, type JsonSchema, object, string } from '../openapi.schemas.js';
import { alertHistoryQuery, alertsQuery, silenceBody, silencesQuery } from './alerts.schema.js';

const MESH = '/api/v1/meshes/{mesh}';
const integer: JsonSchema = { type: 'integer' };
const boolean: JsonSchema = { type: 'boolean' };
const number: JsonSchema = { type: 'number' };
const orNull = (type: string): JsonSchema => ({ type: [type, 'null'] });
const strings: JsonSchema = { type: 'object', additionalProperties: string };
const list = (items: JsonSchema): JsonSchema => ({ type: 'array', items });
const shown = (items: JsonSchema): JsonSchema => object({ items: list(items), hidden: integer });

const ALERT = {
  ...{ fingerprint: string, state: string, name: string, severity: string, namespace: string, labels: strings },
  rule: object({ kind: string, namespace: string, name: string }),
  since: { type: 'string', format: 'date-time', description: 'When its condition was first seen to hold.' },
  ...{ startsAt: orNull('string'), endsAt: orNull('string'), value: orNull('number'), threshold: number, unit: string },
  summary: { type: 'string', description: 'What is the matter, for a reader.' },
  ...{ description: string, runbook: string, ending: string, unknownSeconds: integer },
  silence: { type: ['integer', 'null'], description: 'Id of the silence that it is under.' },
  links: strings,
};
const RULE = {
  ...{ kind: string, namespace: string, name: string, state: string, why: string, condition: string, scope: string },
  ...{ severity: string, holding: list(string) },
};
const BURN = {
  ...{ longSeconds: number, shortSeconds: number, limit: number, severity: string },
  ...{ long: orNull('number'), short: orNull('number') },
};
const OBJECTIVE = {
  ...{ namespace: string, name: string, target: object({ kind: string, name: string }), indicator: string },
  ...{ objective: number, current: orNull('number'), requests: number, periodDays: number },
  ...{
    budgetLeft: orNull('number'),
    burnRate: orNull('number'),
    missing: number,
    windows: list(object(BURN)),
    why: string,
  },
};
const RECEIVER = {
  ...{ namespace: string, name: string, scope: string, type: string, to: string, queued: integer, failed: integer },
  ...{ attempts: integer, error: string },
};
const SILENCE = {
  ...{ id: integer, mesh: string, namespace: string, matchers: list(string), author: string, reason: string },
  ...{ startsAt: string, endsAt: string, endedBy: string, active: boolean },
};

/** Alerts, silences, and what is watched. */
export const ALERTS: readonly Operation[] = [
  {
    method: 'get',
    path: `${MESH}/alerts`,
    tag: 'alerts',
    summary: 'What fires, is about to, or ended within the last hour; the most urgent first.',
    access: 'list Alert',
    query: alertsQuery,
    answer: shown(object(ALERT)),
  },
  {
    method: 'get',
    path: `${MESH}/alerts/history`,
    tag: 'alerts',
    summary: 'What became of alerts within the last 90 days, newest first.',
    access: 'list Alert',
    query: alertHistoryQuery,
    answer: shown(object({ ...ALERT, at: string })),
  },
  {
    method: 'get',
    path: `${MESH}/alerts/rules`,
    tag: 'alerts',
    summary: 'What every alert rule says now, the built-in ones too.',
    access: 'list AlertRule',
    answer: shown(object(RULE)),
  },
  {
    method: 'get',
    path: `${MESH}/alerts/objectives`,
    tag: 'alerts',
    summary: 'How every ServiceLevelObjective stands: what is, the error budget that is left, how fast it goes.',
    access: 'list ServiceLevelObjective',
    answer: shown(object(OBJECTIVE)),
  },
  {
    method: 'get',
    path: `${MESH}/alerts/receivers`,
    tag: 'alerts',
    summary: 'Who is told, and whether that works.',
    access: 'list AlertReceiver',
    answer: shown(object(RECEIVER)),
  },
  {
    method: 'get',
    path: `${MESH}/alerts/prometheus-rules`,
    tag: 'alerts',
    summary: 'The same rules as a file for Prometheus (YAML).',
    access: 'list AlertRule and ServiceLevelObjective in the mesh as a whole',
  },
  {
    method: 'post',
    path: `${MESH}/namespaces/{namespace}/alertreceivers/{name}/test`,
    tag: 'alerts',
    summary: 'Send a test notification, and say how that went.',
    access: 'update AlertReceiver',
    answer: object({ delivered: boolean, reason: string, tookMs: integer }),
  },
  {
    method: 'get',
    path: `${MESH}/silences`,
    tag: 'alerts',
    summary: 'Silences in force.',
    access: 'list Silence',
    query: silencesQuery,
    answer: shown(object(SILENCE)),
  },
  {
    method: 'post',
    path: `${MESH}/silences`,
    tag: 'alerts',
    summary: 'Tell nobody of some alerts for a while.',
    access: 'create Silence',
    body: { type: 'application/json', schema: inputSchema(silenceBody) },
    status: 201,
    answer: object(SILENCE),
  },
  {
    method: 'delete',
    path: `${MESH}/silences/{id}`,
    tag: 'alerts',
    summary: 'End a silence before its time.',
    access: 'delete Silence',
    status: 204,
  },
];
