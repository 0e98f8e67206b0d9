import { expect, it } from 'vitest';
import { isStagedOpen, isStagedOver, openWave, type StagedState } from './staged-state.js';

it.each([
  ['queued', false, false, 0],
  ['canary', true, false, 3],
  ['held', true, false, 3],
  ['watched', false, false, 0],
  ['done', false, true, 0],
  ['reverted', false, true, 0],
  ['failed', false, true, 0],
] as const satisfies readonly (readonly [StagedState, boolean, boolean, number])[])(
  'a change that is %s is open (%s), over (%s), in wave %i',
  (state, isOpen, isOver, wave) => {
    const staged = { state, wave: 2 };
    expect([isStagedOpen(staged), isStagedOver(staged), openWave(staged)]).toEqual([isOpen, isOver, wave]);
  },
);
