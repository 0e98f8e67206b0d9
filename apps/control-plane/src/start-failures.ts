/** What can go wrong at the last moment, in the words of a start that fails. */
import { DatabaseDistrusted } from '#libs/store';
import { distrust } from './database-guard.js';
import { portError, type WantedPort } from './free-port.js';
import { codeOf } from './start-error.js';

/** Half a state is worse than none: proxies would lose the other half (REL-4). */
export async function orDistrust<T>(started: Promise<T>): Promise<T> {
  try {
    return await started;
  } catch (error) {
    if (!(error instanceof DatabaseDistrusted)) throw error;
    throw distrust(error.message, error);
  }
}

/** A port can be taken between the first look and now. */
export async function orPortError<T>(wanted: WantedPort, started: Promise<T>): Promise<T> {
  try {
    return await started;
  } catch (error) {
    throw ['EADDRINUSE', 'EACCES', 'EADDRNOTAVAIL'].includes(codeOf(error)) ? portError(wanted, error) : error;
  }
}
