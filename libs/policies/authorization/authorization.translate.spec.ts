import { expect, it } from 'vitest';
import { authorizationToInbound } from './authorization.translate.js';

const rule = {
  name: 'r',
  from: [
    {
      principals: ['spiffe://old.example/shop/web', 'spiffe://partner.example/x'],
      workloads: ['shop/web'],
      namespaces: ['batch'],
    },
  ],
};

it('means an identity of the mesh in each of its trust domains, and one of another trust domain as it is', () => {
  const context = { mesh: 'm', trustDomains: ['new.example', 'old.example'], namespace: 'shop', workload: 'orders' };
  const both = [
    { exact: 'spiffe://new.example/shop/web' },
    { exact: 'spiffe://old.example/shop/web' },
    { exact: 'spiffe://partner.example/x' },
    { exact: 'spiffe://new.example/shop/web' },
    { exact: 'spiffe://old.example/shop/web' },
    { prefix: 'spiffe://new.example/batch/' },
    { prefix: 'spiffe://old.example/batch/' },
  ];
  const tcp = { ...context, protocol: 'tcp' as const, port: 'bytes' };
  expect(authorizationToInbound({ allow: [rule], deny: [rule], sources: [] }, tcp)).toEqual({
    tcpAllowed: both,
    tcpDenied: both,
  });
  const http = JSON.stringify(
    authorizationToInbound({ allow: [rule], deny: [], sources: [] }, { ...tcp, protocol: 'http' }),
  );
  for (const id of both) expect(http).toContain(JSON.stringify(Object.values(id)[0]));
});
