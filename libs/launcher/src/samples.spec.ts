import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { tokenSecretYaml, writeToken } from './sidecar-files.js';
import { sampleCaPem } from './testdata/sample-options.js';

const ENVOY = `${import.meta.dirname}/../../../envoy`;
const run = promisify(execFile);
const hasCurl = spawnSync('curl', ['--version']).status === 0;

describe.skipIf(!hasCurl)('the scripts for joining by hand', () => {
  const dir = mkdtempSync(join(tmpdir(), 'heddle-samples-'));
  const calls: string[] = [];
  let server: Server;
  let answer = '';
  let env: NodeJS.ProcessEnv;

  beforeAll(async () => {
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      request.on('end', () => {
        calls.push(`${request.method} ${request.url} ${request.headers.authorization ?? '-'} ${body}`.trim());
        response.end(request.url?.startsWith('/stats') ? 'http.inbound_8080.downstream_rq_active: 0\n' : answer);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const HEDDLE_INSTANCE = 'meshes/default/namespaces/shop/instances/web-1';
    env = { ...process.env, HEDDLE_DIR: dir, HEDDLE_API: url, HEDDLE_ADMIN: url, HEDDLE_INSTANCE, no_proxy: '*' };
    await writeToken(dir, 'old.to.ken');
    writeFileSync(join(dir, 'ca.pem'), sampleCaPem);
    writeFileSync(join(dir, 'instance.json'), readFileSync(join(ENVOY, 'instance.sample.json')));
  });
  afterAll(() => {
    server.close();
    rmSync(dir, { recursive: true, force: true });
  });

  it('renew the token: the same files as the launcher writes, readable by their owner only', async () => {
    answer = '{"token":"new.to.ken","expiresAt":"2026-01-01T00:00:00Z"}';
    await run('sh', [join(ENVOY, 'renew-token.sh')], { env });
    expect(calls.splice(0)).toEqual(['POST /api/v1/tokens/renew Bearer old.to.ken']);
    expect(readFileSync(join(dir, 'token'), 'utf8')).toBe('new.to.ken\n');
    const file = join(dir, 'sds-token.yaml');
    expect(parse(readFileSync(file, 'utf8'))).toEqual(parse(tokenSecretYaml('new.to.ken')));
    expect([statSync(file).mode & 0o777, statSync(join(dir, 'token')).mode & 0o777]).toEqual([0o600, 0o600]);
  });

  it('keep the old token when the answer holds none', async () => {
    answer = '{}';
    await expect(run('sh', [join(ENVOY, 'renew-token.sh')], { env })).rejects.toThrow(/the answer holds no token/);
    expect(readFileSync(join(dir, 'token'), 'utf8')).toBe('new.to.ken\n');
    calls.length = 0;
  });

  it('register the instance, and leave: out of the mesh first, then the running requests', async () => {
    answer = '{"acked":true}';
    await run('sh', [join(ENVOY, 'instance.sh'), 'register'], { env });
    await run('sh', [join(ENVOY, 'instance.sh'), 'leave'], { env });
    const path = '/api/v1/meshes/default/namespaces/shop/instances/web-1';
    expect(calls.map((call) => call.split(' ', 2).join(' '))).toEqual([
      `PUT ${path}`,
      `DELETE ${path}?wait=5`,
      'GET /stats?filter=%5Ehttp%5C.inbound.*downstream_rq_active',
    ]);
    expect(calls[0]).toContain('"workload": "web"');
  });
});
