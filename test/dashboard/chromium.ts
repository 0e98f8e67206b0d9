/** Finds the Chromium that tests drive. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The one without windows first: it takes three quarters of the time. */
const NAMES = ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];

export const NO_CHROMIUM =
  'there is no Chromium to test the dashboard with: install Debian\'s package "chromium-headless-shell", or name a binary by CHROMIUM_BIN';

/** A person without a browser may skip what needs one; CI may not. */
export const mayRun = (env: NodeJS.ProcessEnv = process.env): boolean => {
  if (findChromium(env) !== undefined || env['CI'] !== undefined) return true;
  process.stderr.write(`${NO_CHROMIUM}; these tests are skipped\n`);
  return false;
};

/** Path of `CHROMIUM_BIN`, or of the first on the PATH; undefined when there is none. */
export function findChromium(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const { CHROMIUM_BIN = '', PATH = '' } = env;
  if (CHROMIUM_BIN !== '') return CHROMIUM_BIN;
  const places = [...PATH.split(delimiter), '/usr/bin'];
  return places.flatMap((folder) => NAMES.map((name) => join(folder, name))).find((path) => existsSync(path));
}
