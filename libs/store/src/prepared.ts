const names = new Map<string, string>();

/**
 * A statement that Postgres parses and plans once for each connection, not for each run. For long statements that run
 * often; and only for those that name their columns, since a `*` fails when an upgraded replica has added one.
 * @returns the text
 */
export function prepared(name: string, text: string): string {
  names.set(text, name);
  return text;
}

/** The name under which a statement is prepared; undefined for one that is not. */
export const preparedName = (text: string): string | undefined => names.get(text);
