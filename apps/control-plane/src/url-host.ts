import { hostInUrl } from '#libs/kernel';
import { isEveryAddress } from './config.schema.js';

/** A host as a URL has it; what listens everywhere is reached at this machine. */
export const urlHost = (host: string): string => (isEveryAddress(host) ? 'localhost' : hostInUrl(host));
