import { isAbsolute } from 'node:path';
import { z } from 'zod';

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/** What is wrong with the name of a destination; undefined when nothing is. */
function problem(text: string): string | undefined {
  if (text === 'stdout') return undefined;
  if (text.startsWith('file:'))
    return isAbsolute(text.slice(5)) ? undefined : `"${text}": write file:/an/absolute/path`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK.test(url.hostname)))
    return url.username === '' && url.password === ''
      ? undefined
      : 'a token belongs in webhookTokenFile, not in the URL';
  if (url?.protocol === 'http:') return `"${text}": http is for this machine only; write https://`;
  return `"${text}": write stdout, file:/path or https://host/path`;
}

/** Where checkpoints are sent. */
export const destinationSchema = z.string().superRefine((text, context) => {
  const message = problem(text);
  if (message !== undefined) context.addIssue({ code: 'custom', message });
});
