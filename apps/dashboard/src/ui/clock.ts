const DAY_MS = 86_400_000;

/** `14:02:31`; of another day `27 Nov, 14:02`. @param now milliseconds since the epoch */
export function clockWords(at: string, now: number): string {
  const isToday = now - Date.parse(at) < DAY_MS && new Date(at).getDate() === new Date(now).getDate();
  return isToday
    ? new Date(at).toLocaleTimeString(undefined, { timeStyle: 'medium' })
    : new Date(at).toLocaleString(undefined, { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });
}
