/** What a colour means; never the only sign of it. */
export type Tone = 'good' | 'warn' | 'bad' | 'idle' | 'accent';

const STATES: Readonly<Record<Exclude<Tone, 'idle'>, readonly string[]>> = {
  good: ['Delivered', 'done', 'ACKED', 'applied', 'True'],
  accent: ['Delivering', 'canary', 'watched', 'queued', 'PENDING'],
  warn: ['held', 'Unserved'],
  bad: ['Refused', 'refused', 'reverted', 'failed', 'NACKED', 'False'],
};
const TONES: ReadonlyMap<string, Tone> = new Map(
  Object.entries(STATES).flatMap(([tone, states]) => states.map((state) => [state, tone as Tone] as const)),
);

/** Of a delivery, a trial, a proxy. */
export const toneOf = (state: string): Tone => TONES.get(state) ?? 'idle';
