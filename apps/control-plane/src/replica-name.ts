import { hostname } from 'node:os';
import type { Config } from './config.schema.js';

/** Name of this replica: as it is set, else that of the machine. */
export const replicaName = ({ replica }: Pick<Config, 'replica'>): string =>
  replica ??
  hostname()
    .toLowerCase()
    .replaceAll(/[^-a-z0-9.]/g, '-');
