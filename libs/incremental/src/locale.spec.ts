import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const run = promisify(execFile);

/** Lets Node load the sources: relative imports name the `.js` file that the compiler would write. */
const HOOK = `data:text/javascript,${encodeURIComponent(`
import { registerHooks } from 'node:module';
registerHooks({
  resolve: (specifier, context, next) =>
    next(specifier.startsWith('.') && context.parentURL?.endsWith('.ts') ? specifier.replace(/\\.js$/, '.ts') : specifier, context),
});`)}`;

async function build(locale: string, arrival: string): Promise<string> {
  const program = `${import.meta.dirname}/locale-build.fixture.ts`;
  const flags = ['--no-warnings', '--experimental-transform-types', '--conditions=heddle-src', `--import=${HOOK}`];
  const env = { ...process.env, LANG: locale, LC_ALL: locale };
  const { stdout } = await run(process.execPath, [...flags, program, arrival], { env });
  return stdout;
}

it('two processes with other locales and another order of arrival build the same, to the hash', async () => {
  const [one, other] = await Promise.all([build('C', 'forward'), build('sv_SE.UTF-8', 'reversed')]);
  expect(one).toMatch(/^[0-9a-f]{32}\n$/);
  expect(other).toBe(one);
});
