import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

/** Colours for people only: none where standard output is no terminal, or where NO_COLOR says so. */
export const styled = (style: Style, text: string): string => styleText(style, text, { stream: process.stdout });

/** Columns of the terminal; undefined where nobody looks, or a terminal has no size: then nothing is cut. */
export const terminalWidth = (): number | undefined =>
  process.stdout.isTTY && process.stdout.columns > 0 ? process.stdout.columns : undefined;

/** Cuts a line to a width, with `…` where something is missing. */
export function cut(text: string, width: number | undefined): string {
  const line = text.replaceAll('\n', ' ');
  if (width === undefined || line.length <= width) return line;
  return `${line.slice(0, Math.max(0, width - 1))}…`;
}
