import type { Session } from '../command.js';
import { proxyOf } from '../proxy-name.js';

/** For the help of flags that take a caller. */
export const NOBODY = '- = who has no identity';

/** A caller as REST takes it. @param text a name in the namespace, NAMESPACE/name, or `-`: who has no identity */
export function callerOf(s: Session, text: string): string {
  if (text === '-') return '';
  const { namespace, name } = proxyOf(s, text);
  return `${namespace}/${name}`;
}
