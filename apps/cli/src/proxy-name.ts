import type { Session } from './command.js';
import { CliError, EXIT } from './exit-codes.js';

export interface NamedProxy {
  readonly namespace: string;
  readonly name: string;
}

/** @param text a name, in the session's namespace, or `<namespace>/<name>` @throws CliError */
export function proxyOf(s: Session, text: string): NamedProxy {
  const [first = '', second, ...more] = text.split('/');
  if (more.length > 0) throw new CliError(`${text}: write a name, or NAMESPACE/name`, EXIT.usage);
  return second === undefined ? { namespace: s.context.namespace, name: first } : { namespace: first, name: second };
}
