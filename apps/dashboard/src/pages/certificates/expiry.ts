import type { IdentityView } from '../../api/views';
import type { Tone } from '../../ui/tone';

export interface Expiry {
  readonly tone: Tone;
  readonly words: string;
}

const HOUR_MS = 3_600_000;

/** What is to be said of when an identity ends: the certificate first, then the token that renews it. */
export function expiryOf(identity: Omit<IdentityView, 'namespace' | 'workload' | 'instance' | 'spiffeId'>): Expiry {
  const { certificateNotAfter, tokenState = 'ok', tokenDaysLeft, connected } = identity;
  if (!connected) return { tone: 'idle', words: 'not connected' };
  if (certificateNotAfter === undefined) return { tone: 'warn', words: 'no certificate yet' };
  const left = Date.parse(certificateNotAfter) - Date.now();
  if (left <= 0) return { tone: 'bad', words: 'certificate expired' };
  if (tokenState === 'expired') return { tone: 'bad', words: 'token expired' };
  if (left < HOUR_MS) return { tone: 'warn', words: 'certificate ends within an hour' };
  if (tokenState !== 'ok') return { tone: 'warn', words: `token ends in ${Math.floor(tokenDaysLeft ?? 0)} d` };
  return { tone: 'good', words: 'in order' };
}
