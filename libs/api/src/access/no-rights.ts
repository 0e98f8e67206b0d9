import { Rights } from '#libs/model';

/** Of everybody who is no API token. */
export const NO_RIGHTS = new Rights([]);
