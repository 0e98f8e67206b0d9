import { expect, it } from 'vitest';
import { RUNTIME_KINDS, VERBS } from '#libs/model';
import { canICommand } from './can-i.js';

it('names every verb, and every kind that is no manifest', () => {
  const help = canICommand().helpInformation();
  for (const name of [...VERBS, ...RUNTIME_KINDS]) expect(help).toMatch(new RegExp(`\\b${name}\\b`));
});
