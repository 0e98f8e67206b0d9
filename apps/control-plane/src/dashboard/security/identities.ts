import type { ApiDeps } from '#libs/api';
import { workloadId } from '#libs/model';
import type { Reading } from '../catalogue/catalogue.js';
import type { IdentityView } from './security.view.js';

interface MeshSpec {
  readonly trustDomain?: string;
  readonly mtls?: { readonly mode?: string };
}

/** What a mesh says of identities, with its defaults. @throws StoreUnavailable */
export async function meshFacts(
  { store }: ApiDeps,
  mesh: string,
): Promise<{ readonly trustDomain: string; readonly mtls: string }> {
  const row = await store.resources.get(mesh, 'Mesh', '', mesh);
  const { trustDomain = `${mesh}.heddle.local`, mtls = {} }: MeshSpec = row?.spec ?? {};
  return { trustDomain, mtls: mtls.mode ?? 'STRICT' };
}

/** Of the proxies that the reader may see; what ends first comes first. */
export async function identitiesOf(
  { deps, access, caller, mesh }: Reading,
  trustDomain: string,
): Promise<readonly IdentityView[]> {
  const proxies = access.visible(caller, mesh, await deps.runtime.proxies(mesh), ({ namespace, instance }) => {
    return { kind: 'Proxy', namespace, name: instance };
  });
  return proxies.shown
    .map(({ namespace, workload, instance, connected, certificateNotAfter, tokenDaysLeft, tokenState }) => ({
      ...{ namespace, workload, instance, connected, certificateNotAfter, tokenDaysLeft, tokenState },
      spiffeId: workloadId(trustDomain, namespace, workload),
    }))
    .sort((a, b) => (a.certificateNotAfter ?? '').localeCompare(b.certificateNotAfter ?? ''));
}
