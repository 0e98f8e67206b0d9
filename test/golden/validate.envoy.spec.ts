import 'reflect-metadata';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findEnvoy } from '#libs/launcher';
import { type Certificate, selfSigned } from '../self-signed.js';
import { compile } from './scenario.js';
import { staticBootstrap } from './static-bootstrap.js';

const run = promisify(execFile);
const scenarios = readdirSync(import.meta.dirname, { withFileTypes: true }).filter((entry) => entry.isDirectory());

describe('what is compiled passes Envoy’s own validation', () => {
  let directory = '';
  let envoy = '';
  let certificate: Certificate;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'heddle-validate-'));
    envoy = (await findEnvoy()).path;
    certificate = await selfSigned(); // any will do: nothing is connected
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it.each(scenarios.map((entry) => entry.name))('%s', async (name) => {
    const { mesh, sees } = compile(readFileSync(join(import.meta.dirname, name, 'input.yaml'), 'utf8'));
    for (const instance of sees) {
      const bootstrap = staticBootstrap([...mesh.seen(instance).values()], certificate);
      const file = join(directory, `${name}-${instance.replace('/', '-')}.json`);
      writeFileSync(file, JSON.stringify(bootstrap));
      const outcome = await run(envoy, ['--mode', 'validate', '-c', file, '--log-level', 'warn']).catch(
        (error: { readonly stderr: string }) => ({ stdout: '', stderr: error.stderr }),
      );
      expect(outcome.stdout, `${instance}: ${outcome.stderr}`).toContain('OK');
    }
  });
});
