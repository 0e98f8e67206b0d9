import { covers, type IssuedProxyToken as Issued, type MeshIdentity, type ProxyClaims } from '#libs/identity';
import { err, ok, type Result, type Violation } from '#libs/kernel';
import type { AuthPort, ClaimedInstance, ExchangeRefusal, IssuedApiToken, IssuedProxyToken } from './auth.ports.js';

const DAY_MS = 86_400_000;

/** REST's view of identity: who a token is, and tokens made, renewed and revoked. */
export function createAuth(identity: Pick<MeshIdentity, 'apiTokens' | 'adminLogin' | 'proxyTokens'>): AuthPort {
  const { apiTokens, adminLogin, proxyTokens } = identity;
  return {
    async verifyApiToken(text) {
      const verified = await apiTokens.verify(text);
      return verified.ok ? verified.value : undefined;
    },
    issueApiToken: (request, by) => apiTokens.create(request, by),
    listApiTokens: () => apiTokens.list(),
    revokeApiToken: (id, by) => apiTokens.revoke(id, by),
    async exchangeOneTimeToken(text, name, by): Promise<Result<IssuedApiToken, ExchangeRefusal>> {
      return adminLogin.exchange(text, name, by);
    },
    verifyProxyToken: (text) => proxyTokens.verify(text),
    async issueProxyToken({ ttlDays, ...scope }) {
      const issued = await proxyTokens.issue({ ...scope, ttlMs: ttlDays * DAY_MS });
      return issued.ok ? ok(shown(issued.value)) : issued;
    },
    async renewProxyToken(text) {
      const renewed = await proxyTokens.renew(text);
      return renewed.ok ? ok(shown(renewed.value)) : err(renewed.error);
    },
    revokeProxyToken: (jti, by) => proxyTokens.revoke(jti, 'revoked by REST', by),
    excess,
  };
}

const shown = ({ token, claims }: Issued): IssuedProxyToken => {
  return { token, jti: claims.jti, expiresAt: claims.expiresAt };
};

/** Where an instance's document first has each address. */
function placesOf({ bindAddress, advertised, metrics }: ClaimedInstance): ReadonlyMap<string, string> {
  const places = new Map([[bindAddress, '/bind/address']]);
  if (!places.has(advertised)) places.set(advertised, '/advertised');
  if (metrics && !places.has(metrics.address)) places.set(metrics.address, '/metrics/address');
  return places;
}

function excess(claims: ProxyClaims, instance: ClaimedInstance): readonly Violation[] {
  const { mesh, namespace, workload, name, labels } = instance;
  if (claims.mesh !== mesh) return [{ path: '', code: 'outside-token', message: 'the token is for another mesh' }];
  const places = placesOf(instance);
  const addresses = [...places.keys()];
  const covered = covers(claims, { namespace, workload, instance: name, labels, addresses });
  if (covered.ok) return [];
  const paths = new Map([...places.values()].map((path, index) => [`/addresses/${index}`, path]));
  return covered.error.map((v) => ({ ...v, path: paths.get(v.path) ?? v.path }));
}
