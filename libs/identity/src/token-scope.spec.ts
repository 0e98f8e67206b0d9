import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { admitNode, covers } from './token-scope.js';
import type { ProxyClaims } from './types.js';

const claims: ProxyClaims = {
  mesh: 'default',
  namespace: 'shop',
  workload: 'web',
  instance: 'web-1',
  labels: { workload: 'web', version: 'v2' },
  addresses: [],
  jti: 'f.1',
  issuedAt: 0,
  expiresAt: 1,
};
const registration = {
  namespace: 'shop',
  workload: 'web',
  instance: 'web-1',
  labels: { version: 'v2' },
  addresses: ['10.1.2.3'],
};

describe('covers', () => {
  it('SEC-13 permits what the token grants', () => {
    expect(covers(claims, registration)).toEqual({ ok: true, value: true });
    expect(covers({ ...claims, instance: 'web-*' }, { ...registration, instance: 'web-17' }).ok).toBe(true);
  });

  it.each([
    ['another namespace', { namespace: 'bank' }, '/namespace'],
    ['another workload', { workload: 'orders' }, '/workload'],
    ['another instance', { instance: 'web-10' }, '/instance'],
    ['a label it was not granted', { labels: { tier: 'gold' } }, '/labels/tier'],
    ['another value of a granted label', { labels: { version: 'v1' } }, '/labels/version'],
    ['another service’s workload label', { labels: { workload: 'orders' } }, '/labels/workload'],
    ['a label that every object has', { labels: { constructor: 'x' } }, '/labels/constructor'],
    ['a host name as address', { addresses: ['localhost'] }, '/addresses/0'],
    ['one bad address among good ones', { addresses: ['10.1.2.3', '127.0.0.1'] }, '/addresses/1'],
  ])('SEC-13 refuses %s', (_, change, path) => {
    const result = covers(claims, { ...registration, ...change });
    expect(result.ok ? [] : result.error.map((violation) => violation.path)).toEqual([path]);
  });

  it.each([
    '127.0.0.1',
    '127.100.0.7',
    '::1',
    '0.0.0.0',
    '::',
    '169.254.1.1',
    '169.254.169.254',
    '100.100.100.200',
    'fd00:ec2::254',
    'fe80::1',
    '224.0.0.1',
    'ff02::1',
    '255.255.255.255',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::ffff:10.0.0.1',
    '::127.0.0.1',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    '0177.0.0.1',
    '0x7f.1',
    '127.1',
    '2130706433',
    'fe80::1%eth0',
    '10.0.0.1:80',
    '[::1]',
    ' 10.0.0.1',
    '',
  ])('SEC-13 refuses the address %j to a token without a block for it', (address) => {
    expect(covers(claims, { ...registration, addresses: [address] }).ok).toBe(false);
  });

  it('SEC-13 permits special addresses that a block covers, and nothing outside of the blocks', () => {
    const local = { ...claims, addresses: ['127.0.0.0/8', '::1/128', '2001:db8::/33'] };
    const permits = (address: string) => covers(local, { ...registration, addresses: [address] }).ok;
    expect(['127.0.0.1', '127.200.3.4', '::1', '2001:db8:1::5'].map(permits)).toEqual([true, true, true, true]);
    expect(['10.1.2.3', '128.0.0.1', '::2', '2001:db8:8000::', '::ffff:127.0.0.1'].map(permits)).toEqual(
      Array(5).fill(false),
    );
  });
});

describe('admitNode', () => {
  it('SEC-1 lets node.id select an instance inside the credential', () => {
    expect(admitNode(claims, 'default/shop/web/web-1')).toMatchObject({ ok: true, value: { instance: 'web-1' } });
    expect(admitNode({ ...claims, instance: 'web-*' }, 'default/shop/web/web-9').ok).toBe(true);
  });

  it('SEC-1 refuses every other node id', () => {
    const part = fc.constantFrom(
      'default',
      'shop',
      'web',
      'web-1',
      'web-2',
      'orders',
      '*',
      '..',
      '',
      'WEB-1',
      'web-1 ',
      'web-1\0',
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 5 }), (parts) => {
        const id = parts.join('/');
        expect(admitNode(claims, id).ok).toBe(id === 'default/shop/web/web-1');
      }),
    );
  });
});
