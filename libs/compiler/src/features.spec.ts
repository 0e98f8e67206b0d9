import { describe, expect, it } from 'vitest';
import { featuresOf, NEWEST_FEATURES } from './features.js';

describe('featuresOf', () => {
  it.each([
    ['1.36.4', ['base']],
    ['1.37.9', ['base']],
    ['1.38.0', ['base', 'srds']],
    ['1.40.0-dev', ['base', 'srds']],
    ['2.0.0', ['base', 'srds']],
    ['', ['base']],
    ['unknown', ['base']],
  ])('of %s are %j', (version, features) => expect(featuresOf(version)).toEqual(features));

  it('of the newest build are all', () => expect(featuresOf('99.0')).toEqual(NEWEST_FEATURES));
});
