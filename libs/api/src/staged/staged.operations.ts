import type { Operation } from '../openapi.operation.js';
import { stagedQuery } from './staged.schema.js';

const STAGED_PATH = '/api/v1/meshes/{mesh}/staged';
const STAGED = {
  type: 'object',
  description: 'The change: who has it, what was seen of it, what it waits for.',
} as const;

const act = (name: string, summary: string): Operation => ({
  ...{ method: 'post', path: `${STAGED_PATH}/{change}/${name}`, tag: 'changes', summary, answer: STAGED },
  access: 'create, update or delete on each resource',
});

export const STAGED_OPERATIONS: readonly Operation[] = [
  {
    ...{ method: 'get', path: STAGED_PATH, tag: 'changes', summary: 'List changes on trial, the newest first.' },
    access: 'get on anything',
    query: stagedQuery,
  },
  {
    ...{ method: 'get', path: `${STAGED_PATH}/{change}`, tag: 'changes', answer: STAGED },
    summary: "A change on trial, by its id or by that of the change that made it everybody's.",
    access: 'get on anything',
  },
  act('promote', 'Give an open change to everybody now.'),
  act('resume', 'Let a change that is held go on.'),
  act('revert', 'Take it back from everybody who has it.'),
  act('confirm', 'Keep a change that would be taken back by itself.'),
];
