import { freePort } from '#libs/launcher';
import type { Running, Terminal } from './terminal.js';

export interface Ports {
  readonly rest: number;
  readonly xds: number;
}

export const freePorts = async (): Promise<Ports> => ({ rest: await freePort(), xds: await freePort() });

/** `heddle up` with its data in the user's directory. */
export const startUp = (user: Terminal, ports: Ports, ...more: readonly string[]): Running =>
  user.start(['up', '--data-dir', 'data', '--rest-port', `${ports.rest}`, '--xds-port', `${ports.xds}`, ...more]);

/** A control plane that the user is logged in to. */
export async function loggedIn(user: Terminal): Promise<{ readonly up: Running; readonly ports: Ports }> {
  const ports = await freePorts();
  const up = startUp(user, ports);
  await up.said(/you are logged in as admin/);
  return { up, ports };
}
