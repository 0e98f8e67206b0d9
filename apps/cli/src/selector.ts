import { CliError, EXIT } from './exit-codes.js';

/** `a=b,c=d` as the API reads it. @throws CliError for anything else */
export function parseSelector(text: string): Readonly<Record<string, string>> {
  const pairs = text.split(',').filter((pair) => pair !== '');
  return Object.fromEntries(
    pairs.map((pair) => {
      const [, name, value] = /^([^=!\s]+)={1,2}([^=\s]*)$/.exec(pair) ?? [];
      if (name !== undefined && value !== undefined) return [name, value];
      throw new CliError(`--selector ${pair}: write label=value, several joined by commas`, EXIT.usage);
    }),
  );
}

export const hasLabels = (
  labels: Readonly<Record<string, string>>,
  wanted: Readonly<Record<string, string>>,
): boolean => Object.entries(wanted).every(([name, value]) => labels[name] === value);
