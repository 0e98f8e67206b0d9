import { queryOptions } from '@tanstack/react-query';
import { createContext, useContext } from 'react';
import { get, post, takeMark } from '../api/client';
import type { HomeName, LoginWays, SessionMesh, SessionView } from '../api/views';

/** Who one is; asked for again from time to time, since rights may change. */
export const sessionQuery = () =>
  queryOptions({
    queryKey: ['session'],
    queryFn: async ({ signal }) => {
      const session = await get<SessionView>('/api/dashboard/session', signal);
      takeMark(session.csrf);
      return session;
    },
    refetchInterval: 60_000,
  });

export const login = (credential: { readonly token: string } | { readonly link: string }): Promise<{ name: string }> =>
  post('/api/dashboard/login', credential);

/** How one can log in. A provider that cannot be used is asked for again until it can be. */
export const waysQuery = () =>
  queryOptions({
    queryKey: ['ways'],
    queryFn: ({ signal }) => get<LoginWays>('/api/dashboard/login', signal),
    refetchInterval: ({ state }) => (state.data?.provider?.problem === undefined ? false : 5_000),
  });

/** Leaves the dashboard; who came by the identity provider goes on there, to leave it, too. */
export async function logout(): Promise<void> {
  const answer = await post<{ readonly next: string } | undefined>('/api/dashboard/logout');
  window.location.assign(answer?.next ?? '/login');
}

export const SessionContext = createContext<SessionView | undefined>(undefined);

export function useSession(): SessionView {
  const session = useContext(SessionContext);
  if (session === undefined) throw new Error('there is no session here');
  return session;
}

export const MeshContext = createContext<SessionMesh | undefined>(undefined);

/** The mesh that the address names. */
export function useMesh(): SessionMesh & { readonly may: (kind: string) => boolean } {
  const mesh = useContext(MeshContext);
  if (mesh === undefined) throw new Error('there is no mesh here');
  return { ...mesh, may: (kind) => mesh.writes.includes(kind) };
}

export const HOMES: Readonly<Record<HomeName, { readonly title: string; readonly lead: string }>> = {
  owner: { title: 'My services', lead: 'How they are, who calls them, and what touched them.' },
  operator: { title: 'Operations', lead: 'Proxies that need a look, and changes that are under way.' },
  security: { title: 'Security', lead: 'Identities, what expires, what is open, and who was refused.' },
  release: { title: 'Releases', lead: 'What is on trial, and which versions run side by side.' },
  auditor: { title: 'Audit', lead: 'Who decided what, and proof that nobody rewrote it.' },
};
