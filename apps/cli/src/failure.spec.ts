import { describe, expect, it } from 'vitest';
import { ControlPlaneError, ControlPlaneUnreachable, LauncherError } from '#libs/launcher/errors';
import { CliError, EXIT } from './exit-codes.js';
import { failureOf } from './failure.js';

describe('how a failure is told', () => {
  it.each([
    [new CliError('no', EXIT.usage, ['why']), EXIT.usage, ['no', 'why']],
    [new LauncherError('Envoy is not here\n  install it'), EXIT.refused, ['Envoy is not here; install it']],
    [new ControlPlaneUnreachable('nobody listens'), EXIT.unreachable, ['nobody listens']],
    [new ControlPlaneError('no such mesh', 404, 'not-found'), EXIT.notFound, ['no such mesh']],
    [new ControlPlaneError('not granted', 403, 'not-granted'), EXIT.unreachable, ['not granted']],
    [new ControlPlaneError('taken', 409, 'address-overlap'), EXIT.refused, ['taken']],
    [
      Object.assign(new Error('ENOTDIR: not a directory'), { code: 'ENOTDIR', path: 'x/y' }),
      EXIT.refused,
      ['x/y cannot be used: a part of its path is not a directory'],
    ],
    [
      new TypeError('x is not a function\n    at y'),
      EXIT.internal,
      ['internal error: x is not a function; at y (HEDDLE_DEBUG=1 shows where)'],
    ],
    ['thrown text', EXIT.internal, ['internal error: thrown text (HEDDLE_DEBUG=1 shows where)']],
  ])('%s: code %i', (error, code, lines) => {
    expect(failureOf(error, {})).toEqual({ code, lines });
  });

  it('with HEDDLE_DEBUG=1 shows where a mistake of Heddle is', () => {
    const { lines } = failureOf(new TypeError('oops'), { HEDDLE_DEBUG: '1' });
    expect(lines).toEqual(['internal error: oops', expect.stringMatching(/^TypeError: oops\n +at /)]);
  });
});
