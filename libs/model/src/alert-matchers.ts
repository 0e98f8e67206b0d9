import { err, ok, type Result } from '#libs/kernel';
import type { AlertMatcher, MatchOperator } from './alerting.js';
import { regexProblem } from './regex.js';

const FORM = /^\s*([A-Za-z_][A-Za-z0-9_]{0,62})\s*(=~|!~|!=|=)\s*(?:"((?:[^"\\]|\\["\\n])*)"|([^"\s{},]*))\s*$/;
const MAX_LENGTH = 1200;
const OPERATORS: readonly string[] = ['=', '!=', '=~', '!~'] satisfies readonly MatchOperator[];

const isOperator = (text: string): text is MatchOperator => OPERATORS.includes(text);

/** True for a label of alerts as Prometheus names them: letters, digits and `_`, at most 63. */
export const isAlertLabel = (name: string): boolean => /^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(name);

/**
 * Reads a matcher as Alertmanager writes it: `severity="critical"`, `service=~"orders|web"`, `team!=payments`.
 * @returns the end of a sentence when it is none
 */
export function parseMatcher(text: string): Result<AlertMatcher, string> {
  const [, label = '', operator = '', quoted, bare = ''] = (text.length <= MAX_LENGTH && FORM.exec(text)) || [];
  if (label === '' || !isOperator(operator))
    return err('must be a matcher such as severity="critical" or service=~"orders|web"');
  const value = quoted === undefined ? bare : quoted.replaceAll(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c));
  const problem = operator.endsWith('~') ? regexProblem(value) : undefined;
  return problem === undefined ? ok({ label, operator, value }) : err(problem);
}

/** The text that `parseMatcher` reads. */
export const printMatcher = ({ label, operator, value }: AlertMatcher): string =>
  `${label}${operator}"${value.replaceAll(/["\\]/g, (c) => `\\${c}`).replaceAll('\n', '\\n')}"`;
