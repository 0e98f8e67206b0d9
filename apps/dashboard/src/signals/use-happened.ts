import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { alertEventsOf, happeningsOf, patternsOf } from '../api/telemetry';
import { useMesh } from '../session/session';
import type { Range } from '../ui/range-of';
import { type Happened, happenedOf } from './happenings';

export interface HappenedInRange {
  readonly items: readonly Happened[];
  /** How many there are that the reader may not see. */
  readonly hidden: number;
  readonly isPending: boolean;
  readonly error: unknown;
}

/** Everything that happened in a time. Alerts are left out for who may not read them. */
export function useHappened(range: Range): HappenedInRange {
  const { name: mesh } = useMesh();
  const timeline = useQuery(happeningsOf(mesh, range));
  const alerts = useQuery(alertEventsOf(mesh, range));
  const patterns = useQuery(patternsOf(mesh, range));
  const items = useMemo(
    () =>
      happenedOf({
        happenings: timeline.data?.items ?? [],
        alerts: alerts.data ?? [],
        patterns: patterns.data?.items ?? [],
      }),
    [timeline.data, alerts.data, patterns.data],
  );
  const hidden = (timeline.data?.hidden ?? 0) + (patterns.data?.hidden ?? 0);
  return { items, hidden, isPending: timeline.isPending || patterns.isPending, error: timeline.error };
}
