/** Where things are in a chart: what is drawn on its canvas and what lies over it have to agree. */
export const AXIS_PX = 58;
export const RIGHT_PX = 12;

/** Horizontal place of a time over a chart, as CSS. @param share 0 to 1, of the time from left to right */
export const leftOf = (share: number): string =>
  `calc(${AXIS_PX}px + (100% - ${AXIS_PX + RIGHT_PX}px) * ${share.toFixed(4)})`;

export interface Frame {
  /** Milliseconds since the epoch. */
  readonly from: number;
  readonly to: number;
}

export const shareOf = (at: number, { from, to }: Frame): number =>
  Math.min(1, Math.max(0, (at - from) / Math.max(1, to - from)));

/** `14:02`, with the day where the time is longer than one. */
export function timeWords(at: number, { from, to }: Frame): string {
  const isLong = to - from > 86_400_000;
  return new Date(at).toLocaleString('en-GB', {
    ...(isLong ? { day: 'numeric', month: 'short' } : {}),
    ...{ hour: '2-digit', minute: '2-digit' },
    ...(to - from < 1_800_000 ? { second: '2-digit' } : {}),
  });
}
