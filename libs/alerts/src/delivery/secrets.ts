import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isDnsLabel } from '#libs/kernel';
import { DeliveryFailed } from './failure.js';

const MOST_BYTES = 16 * 1024;

/**
 * Secrets of receivers: files that who runs the control plane puts there, one directory for each namespace of each mesh, so
 * that nobody can name a secret of another team, nor any other file. They are read when they are needed: a changed one counts
 * from the next notification on.
 */
export class AlertSecrets {
  /** @param directory '' = there are none */
  constructor(private readonly directory: string) {}

  /** @throws DeliveryFailed when it is not there; the message names the secret, never its content */
  async read(mesh: string, namespace: string, name: string): Promise<string> {
    const label = `${mesh}/${namespace}/${name}`;
    if (this.directory === '' || ![mesh, namespace, name].every(isDnsLabel))
      throw new DeliveryFailed(`the secret ${label} cannot be read: the control plane has no alerts.secretsDir`, true);
    const path = join(this.directory, mesh, namespace, name);
    try {
      if ((await stat(path)).size > MOST_BYTES) throw new DeliveryFailed(`the secret ${label} is too large`, true);
      return (await readFile(path, 'utf8')).trim();
    } catch (error) {
      if (error instanceof DeliveryFailed) throw error;
      throw new DeliveryFailed(
        `the secret ${label} is not there: put it into a file of that name below alerts.secretsDir`,
        true,
      );
    }
  }
}
