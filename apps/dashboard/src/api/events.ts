import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';

export type LiveState = 'connecting' | 'live' | 'away';

/** Events come in bursts; what they are about is asked for once. Milliseconds. */
const GATHER_MS = 300;

/** While it is shown, whatever is known of the mesh is asked for again when a change is made or has moved. */
export function useMeshEvents(mesh: string): LiveState {
  const queries = useQueryClient();
  const [state, setState] = useState<LiveState>('connecting');
  useEffect(() => {
    let gathered: number | undefined;
    const source = new EventSource(`/api/v1/meshes/${mesh}/events`);
    const again = (): void => {
      gathered ??= window.setTimeout(() => {
        gathered = undefined;
        void queries.invalidateQueries({ queryKey: ['mesh', mesh] });
      }, GATHER_MS);
    };
    source.onopen = () => setState('live');
    source.onerror = () => setState('away');
    source.addEventListener('change', again);
    source.addEventListener('forbidden', () => {
      source.close();
      setState('away');
    });
    return () => {
      source.close();
      window.clearTimeout(gathered);
    };
  }, [mesh, queries]);
  return state;
}

/** Follows one change until it is over. `onState` gets every state that is told. */
export function useChangeEvents<T>(mesh: string, change: string, onState: (state: T) => void): void {
  useEffect(() => {
    const source = new EventSource(`/api/v1/meshes/${mesh}/changes/${change}/events`);
    const told = (event: MessageEvent<string>): void => onState(JSON.parse(event.data) as T);
    source.addEventListener('delivery', told);
    source.addEventListener('done', (event) => {
      told(event);
      source.close();
    });
    source.addEventListener('forbidden', () => source.close());
    return () => source.close();
  }, [mesh, change, onState]);
}
