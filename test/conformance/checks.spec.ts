import { describe, expect, it } from 'vitest';
import { type ReceivedResponse, ResponseChecks } from '../../libs/testing/src/xds-client/index.js';
import { cluster, endpoints, type Resource, TYPE } from './rig.js';

// Every FakeXdsClient runs these checks on every response, so each conformance test proves the rules named here.
const delta = () => new ResponseChecks({ variant: 'delta', grpcClient: false });
const sotw = () => new ResponseChecks({ variant: 'sotw', grpcClient: false });

const wire = ({ type, name, version, bytes }: Resource) => ({
  ...{ type, name, version, bytes },
  ...{ aliases: [], ttlMs: undefined, hollow: false },
});
const response = (fields: Partial<ReceivedResponse>): ReceivedResponse => ({
  ...{ type: TYPE.endpoint, nonce: 'n1', resources: [], removed: [], version: '', bytes: 0 },
  ...fields,
});
const holding = (...names: readonly string[]) => names.map((name) => wire(endpoints(name)));

describe('what every client of these tests finds wrong', () => {
  it.each([
    ['GEN-5', 'a nonce that is empty', { nonce: '' }],
    [
      'GEN-6',
      'a resource of another type than its response',
      { resources: [wire({ ...endpoints('a'), type: TYPE.cluster })] },
    ],
    ['GEN-7', 'one name twice', { resources: holding('a', 'a') }],
    ['GEN-7', 'one name sent and removed', { resources: holding('a'), removed: ['a'] }],
    ['GEN-7', 'one name removed twice', { removed: ['a', 'a'] }],
    ['GEN-13', 'a name that was not subscribed', { resources: holding('b') }],
    ['GEN-13', 'the removal of a name that was neither subscribed nor held', { removed: ['b'] }],
    ['GEN-13', 'a type that was not asked for', { type: TYPE.cluster, resources: [wire(cluster('a'))] }],
    ['DELTA-15', 'a resource without a version', { resources: [{ ...wire(endpoints('a')), version: '' }] }],
  ])('GEN-6 GEN-7 GEN-13 and what belongs to them: %s, %s', (rule, _, fields) => {
    const checks = delta();
    checks.sent({ type: TYPE.endpoint, names: ['a'] });
    expect(checks.faultsOf(response(fields))).toEqual([expect.stringMatching(`^${rule} `)]);
  });

  it('nothing, in a response that answers what was asked', () => {
    const checks = delta();
    checks.sent({ type: TYPE.endpoint, names: ['a', 'b'], initialVersions: { old: 'v1' } });
    expect(checks.faultsOf(response({ resources: holding('a'), removed: ['b', 'old'] }))).toEqual([]);
  });

  it('GEN-7 one name twice in a state-of-the-world response, where names stand inside of resources', () => {
    const checks = sotw();
    checks.sent({ type: TYPE.endpoint, names: ['a'] });
    const resources = holding('a', 'a').map((resource) => ({ ...resource, name: '' }));
    expect(checks.faultsOf(response({ resources }))).toEqual(['GEN-7 a is there twice']);
  });

  it.each(['delta', 'sotw'] as const)(
    'GEN-13 an unsubscribed name, %s: not in the response that was under way, but in the next',
    (variant) => {
      const checks = variant === 'delta' ? delta() : sotw();
      checks.sent({ type: TYPE.endpoint, names: ['a', 'b'] });
      checks.sent(
        variant === 'delta' ? { type: TYPE.endpoint, unsubscribe: ['b'] } : { type: TYPE.endpoint, names: ['a'] },
      );
      expect(checks.faultsOf(response({ resources: holding('b') }))).toEqual([]);
      checks.sent({ type: TYPE.endpoint, names: variant === 'delta' ? [] : ['a'], nonce: 'n1' });
      const next = response({ nonce: 'n2', resources: holding('a', 'b') });
      expect(checks.faultsOf(next)).toEqual(['GEN-13 b is sent and not subscribed']);
    },
  );

  it('GEN-13 what a wildcard no longer covers', () => {
    const checks = delta();
    checks.sent({ type: TYPE.cluster });
    expect(checks.faultsOf(response({ type: TYPE.cluster, resources: [wire(cluster('any'))] }))).toEqual([]);
    checks.sent({ type: TYPE.cluster, unsubscribe: ['*'], nonce: 'n1' });
    const next = response({ type: TYPE.cluster, nonce: 'n2', resources: [wire(cluster('any'))] });
    expect(checks.faultsOf(next)).toEqual(['GEN-13 any is sent and not subscribed']);
  });

  it('DELTA-12 a response before the answer to the one before, and GEN-5 a nonce for the second time', () => {
    const checks = delta();
    checks.sent({ type: TYPE.endpoint, names: ['a'] });
    checks.faultsOf(response({}));
    expect(checks.faultsOf(response({})).map((fault) => fault.split(' ')[0])).toEqual(['GEN-5', 'DELTA-12']);
  });

  it('DELTA-13 the removal of a secret or of an extension', () => {
    for (const type of [TYPE.secret, TYPE.extension]) {
      const checks = delta();
      checks.sent({ type, names: ['a'] });
      expect(checks.faultsOf(response({ type, removed: ['a'] }))).toEqual([expect.stringMatching(/^DELTA-13 /)]);
    }
  });
});
