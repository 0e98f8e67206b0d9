import { failureTone } from '../../signals/words';
import type { Tone } from '../../ui/tone';
import type { MapNode, Traffic } from './graph';

export const shareOf = ({ count, failures }: Traffic): number => (count > 0 ? failures / count : 0);

export const trafficTone = (traffic: Traffic | undefined): Tone =>
  traffic === undefined ? 'idle' : failureTone({ count: traffic.count, failureShare: shareOf(traffic) });

/** The worse of how its instances are and how its requests fare. */
export function nodeTone({ kind, total, ready, traffic }: MapNode): Tone {
  const asked = trafficTone(traffic);
  if (kind !== 'service' && kind !== 'namespace') return 'idle';
  if (asked === 'bad' || (total > 0 && ready === 0)) return 'bad';
  if (asked === 'warn' || ready < total) return 'warn';
  return total === 0 && traffic === undefined ? 'idle' : 'good';
}
