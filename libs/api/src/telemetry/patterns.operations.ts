import { PATTERN_NAMES } from '#libs/patterns';
import type { Operation } from '../openapi.operation.js';
import { type JsonSchema, object, string } from '../openapi.schemas.js';
import { patternsQuery, timelineQuery } from './telemetry.query.js';

const PATH = '/api/v1/meshes/{mesh}/telemetry';
const number: JsonSchema = { type: 'number' };
const time: JsonSchema = { type: 'string', format: 'date-time' };
const milliseconds: JsonSchema = { type: 'integer', description: 'Milliseconds since the epoch.' };
const list = (items: JsonSchema): JsonSchema => ({ type: 'array', items });
const said = (schema: JsonSchema, description: string): JsonSchema => ({ ...schema, description });

const ANSWERED = {
  ...{ from: time, to: time },
  hidden: said({ type: 'integer' }, 'How many there are that the reader may not see.'),
};
const SUSPECT = object({
  kind: { enum: ['change', 'release', 'rotation', 'churn', 'refusal'] },
  ...{ id: string, title: string, at: milliseconds },
  score: said(number, '0 to 1, of the suspicion; what is missing to 1 falls on nothing that is known.'),
  why: string,
  reversible: said({ type: 'boolean' }, '`id` is a change that can be rolled back.'),
  events: list(string),
});
const SCOPE = object(
  {
    callees: said(list(string), 'Services with their port: `namespace/name/port`.'),
    callers: list(string),
    routes: list(string),
    instances: list(string),
    ...{ version: string, callerZone: string, calleeZone: string },
  },
  ['callees'],
);
const PATTERN = object(
  {
    id: said(string, 'Stays the same while it goes on, under whatever name.'),
    name: { enum: PATTERN_NAMES },
    state: { enum: ['active', 'over'] },
    ...{ begun: time, ended: time, scope: SCOPE },
    sentence: said(string, 'For a reader. It quotes names that came from outside.'),
    confidence: said(number, '0 to 1.'),
    failedRequests: said(number, 'Requests whose callers got a failure by it, beyond the usual.'),
    failedAttempts: said(number, 'Attempts that failed by it, beyond the usual.'),
    shareOfScope: said(number, 'Of the failures of its services since then. 0 to 1.'),
    shareOfAll: said(number, 'Of the failures of the mesh since then. 0 to 1.'),
    ...{ since: milliseconds, until: milliseconds, ongoing: { type: 'boolean' } },
    facts: said(list({ type: 'object' }), 'The evidence: what was counted, and what it is compared with.'),
    upstream: said(list(string), 'Services whose own failures follow from this one.'),
    formerNames: list({ enum: PATTERN_NAMES }),
    suspects: said(list(SUSPECT), 'What may have brought it about, the likeliest first.'),
    hiddenSuspects: { type: 'integer' },
  },
  [
    ...['id', 'name', 'state', 'begun', 'scope', 'sentence', 'confidence', 'failedRequests', 'failedAttempts'],
    ...['shareOfScope', 'shareOfAll', 'since', 'until', 'ongoing', 'facts', 'upstream', 'formerNames', 'suspects'],
    'hiddenSuspects',
  ],
);
const HAPPENING = object({
  at: time,
  kind: { enum: ['change', 'refusal', 'rotation', 'instance_joined', 'instance_left', 'instance_unready'] },
  ...{ id: string, title: string },
  touches: said(list(string), 'Whom it has to do with; empty = the whole mesh.'),
  reversible: { type: 'boolean' },
});

export const PATTERNS: readonly Operation[] = [
  {
    ...{ method: 'get', tag: 'telemetry', path: `${PATH}/patterns` },
    access: 'get Service, of each; get Proxy, of callers and instances',
    summary: 'What failures have in common, by name, with what may have brought it about.',
    query: patternsQuery,
    answer: object({ ...ANSWERED, items: list(PATTERN) }),
  },
  {
    ...{ method: 'get', tag: 'telemetry', path: `${PATH}/timeline` },
    access: 'get, of what each is about',
    summary: 'What happened beside the traffic: changes, refusals, rotations, instances that come and go.',
    query: timelineQuery,
    answer: object({ ...ANSWERED, items: list(HAPPENING) }),
  },
];
