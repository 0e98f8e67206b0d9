import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { EXIT } from './exit-codes.js';
import { loggedIn } from './testing/control-plane.js';
import { service } from './testing/manifests.js';
import { Terminal } from './testing/terminal.js';

const user = new Terminal();
const timeout = (name: string, request: string) => `# why ${name}: measured in spring
apiVersion: heddle.dev/v1alpha1
kind: TimeoutPolicy
metadata: { namespace: shop, name: ${name} }
spec:
  # longer than the slowest report
  request: ${request}
  targetRef: { name: ${name}, kind: Service } # one of ours
`;
const applied = (out: string): string => /change (c-\d+)/.exec(out)?.[1] ?? '';

beforeAll(async () => {
  await loggedIn(user);
  await user.pipe(`${service('web')}---\n${service('orders')}`, 'apply', '--yes', '-f', '-');
});
afterAll(() => user.close());

describe('heddle plan', () => {
  it('shows what would change by field, what it means for Envoys, and findings; stores nothing', async () => {
    user.write('t.yaml', timeout('orders', '1s'));
    const { code, out } = await user.heddle('plan', '-f', 't.yaml', '--message', 'one second');
    expect([code, out]).toEqual([EXIT.ok, expect.stringMatching(/^\+ create TimeoutPolicy shop\/orders$/m)]);
    expect(out).toMatch(/^Envoy: 0 added, 0 changed, 0 removed$/m);
    expect(out).toMatch(/plan (p-\S+) on revision \d+, until \S+: heddle apply --plan \1/);
    expect((await user.heddle('get', 'timeoutpolicies', 'orders', '-n', 'shop')).code).toBe(EXIT.notFound);
  });

  it('is applied by its id, exactly, and refused once an input has changed', async () => {
    const id = /plan (p-\S+)/.exec((await user.heddle('plan', '-f', 't.yaml')).out)?.[1] ?? '';
    expect((await user.heddle('plan', id)).out).toContain(id);
    const done = await user.heddle('apply', '--plan', id);
    expect([done.code, done.out]).toEqual([EXIT.ok, expect.stringMatching(/created +TimeoutPolicy +shop +orders/)]);
    const again = await user.heddle('apply', '--plan', id);
    expect([again.code, again.err]).toEqual([
      EXIT.refused,
      expect.stringMatching(/has changed: TimeoutPolicy shop\/orders.*plan again\n.*changed by .* in c-\d+/s),
    ]);
  });

  it('replays sample requests, and names line and field of what is wrong in their file', async () => {
    user.write('requests.yaml', '- host: orders.shop:8080\n  path: /v1\n- path: /v2\n  methd: GET\n');
    const wrong = await user.heddle('plan', '-f', 't.yaml', '--replay', 'requests.yaml');
    expect(wrong.code).toBe(EXIT.refused);
    expect(wrong.err).toMatch(/requests\.yaml: line 4: methd is not a field here.*method/);
    expect(wrong.err).toMatch(/requests\.yaml: line 3: host is required/);
    user.write('requests.yaml', '- host: orders.shop:8080\n- { host: web.shop, headers: { X-A: [a, b] } }\n');
    const { code, out } = await user.heddle('plan', '-f', 't.yaml', '--replay', 'requests.yaml', '--no-save');
    expect([code, out]).toEqual([EXIT.ok, expect.stringMatching(/^Requests: 2 replayed, 0 changed, 0 not judged$/m)]);
  });

  it('shows what a deletion would do, to be applied by its id', async () => {
    user.write('gone.yaml', service('web'));
    const { out, code } = await user.heddle('plan', '--delete', '-f', 'gone.yaml', '-o', 'json');
    expect([code, JSON.parse(out)]).toEqual([
      EXIT.ok,
      expect.objectContaining({ intent: [expect.objectContaining({ op: 'delete', kind: 'Service', name: 'web' })] }),
    ]);
  });

  it('answers in JSON for pipelines, and fails on findings when asked to', async () => {
    const route = `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: zero, namespace: shop }
spec:
  parentRefs: [{ group: "", kind: Service, name: web }]
  rules: [{ backendRefs: [{ name: web, port: 8080, weight: 0 }] }]`;
    const plan = await user.pipe(route, 'plan', '-f', '-', '-o', 'json', '--no-save');
    expect(JSON.parse(plan.out)).toMatchObject({ id: '', findings: [{ code: 'no-weight', severity: 'critical' }] });
    const failing = await user.pipe(route, 'plan', '-f', '-', '--fail-on', 'critical');
    expect([failing.code, failing.out]).toEqual([
      EXIT.refused,
      expect.stringContaining('critical no-weight: HTTPRoute shop/zero'),
    ]);
  });
});

describe('heddle apply', () => {
  it('asks, so it refuses where nobody can be asked', async () => {
    const { code, err } = await user.heddle('apply', '-f', 't.yaml');
    expect([code, err]).toEqual([EXIT.usage, expect.stringMatching(/this is no terminal.*\n.*--yes.*--plan ID/)]);
    const piped = await user.pipe(service('x'), 'apply', '-f', '-');
    expect([piped.code, piped.err]).toEqual([
      EXIT.usage,
      expect.stringContaining('standard input holds the documents'),
    ]);
  });

  it.runIf(existsSync('/usr/bin/script'))(
    'shows the plan at a terminal, in colour and no wider than it, and does what is answered',
    async () => {
      user.write('asked.yaml', service('asked', `\n  hostnames: [${'a'.repeat(50)}.example.com]`));
      const no = await user.atTerminal(60, 'n\n', 'apply', '-f', 'asked.yaml');
      expect([no.code, no.out]).toEqual([EXIT.refused, expect.stringContaining('nothing was applied')]);
      expect(no.out).toContain('\u001b[32m+ create Service shop/asked');
      // biome-ignore lint/suspicious/noControlCharactersInRegex: escapes have no width
      const lines = no.out.replace(/\u001b\[\d*[A-Za-z]/g, '').split('\n');
      expect(lines.filter((line) => line.length > 60)).toEqual([]);
      expect((await user.heddle('get', 'svc', 'asked', '-n', 'shop')).code).toBe(EXIT.notFound);
      const yes = await user.atTerminal(60, 'y\n', 'apply', '-f', 'asked.yaml');
      expect([yes.code, yes.out]).toEqual([EXIT.ok, expect.stringMatching(/change c-\d+/)]);
      expect((await user.atTerminal(60, '', 'apply', '-f', 'asked.yaml')).out).toContain('nothing to change');
    },
  );

  it('--prune makes a directory the truth for what its owner has, again and again', async () => {
    user.write('repo/a.yaml', service('a'));
    user.write('repo/b.yaml', service('b'));
    const nobody = await user.heddle('apply', '--yes', '-f', 'repo', '--prune');
    expect([nobody.code, nobody.err]).toEqual([EXIT.usage, expect.stringContaining('--owner NAME')]);
    const flags = ['-f', 'repo', '--prune', '--owner', 'shop-repo'];
    expect((await user.heddle('diff', ...flags)).code).toBe(1);
    await user.heddle('apply', '--yes', ...flags, '--message', 'first');
    expect(await user.heddle('diff', ...flags)).toMatchObject({ code: 0, out: '= 2 unchanged\n' });
    expect((await user.heddle('apply', '--yes', ...flags)).out).toContain('nothing to change');
    user.write('repo/b.yaml', service('c'));
    const drift = await user.heddle('diff', ...flags, '-o', 'json');
    expect(drift.code).toBe(1);
    expect(JSON.parse(drift.out)).toMatchObject({
      differences: [
        { op: 'create', name: 'c' },
        { op: 'delete', name: 'b' },
      ],
      unchanged: 1,
    });
    await user.heddle('apply', '--yes', ...flags);
    expect((await user.heddle('get', 'svc', 'b', '-n', 'shop')).code).toBe(EXIT.notFound);
    const broken = await user.pipe('kind: Nothing\n', 'diff', '-f', '-');
    expect(broken.code).toBeGreaterThan(1);
  });
});

describe('heddle rollback and diff', () => {
  it('takes a change back by a new one, and shows what revisions differ in', async () => {
    const first = applied((await user.pipe(timeout('orders', '2s'), 'apply', '--yes', '-f', '-')).out);
    const between = await user.heddle('diff', String(Number(first.slice(2)) - 1), first);
    expect(between).toMatchObject({
      code: 1,
      out: '~ update TimeoutPolicy shop/orders\n    ~ spec.request: 1s → 2s\n',
    });
    const done = await user.heddle('rollback', first, '--yes');
    expect([done.code, applied(done.out)]).toEqual([EXIT.ok, expect.stringMatching(/^c-\d+$/)]);
    expect((await user.heddle('diff', String(Number(first.slice(2)) - 1))).code).toBe(0);
    expect((await user.heddle('history', '--limit', '1')).out).toContain(`rollback of ${first}`);
  });

  it('shows conflicts, and does what it is told about them', async () => {
    const first = applied((await user.pipe(timeout('orders', '3s'), 'apply', '--yes', '-f', '-')).out);
    await user.pipe(timeout('orders', '4s'), 'apply', '--yes', '-f', '-');
    const refused = await user.heddle('rollback', first, '--yes');
    expect([refused.code, refused.err]).toEqual([
      EXIT.refused,
      expect.stringMatching(/TimeoutPolicy shop\/orders.*written by/s),
    ]);
    expect((await user.heddle('rollback', first, '--yes', '--overwrite')).code).toBe(EXIT.ok);
    const asked = await user.heddle('rollback', '--to', first);
    expect([asked.code, asked.err]).toEqual([EXIT.usage, expect.stringContaining('--yes')]);
  });
});

describe('heddle export', () => {
  it('writes everything back as YAML that changes nothing when it is applied', async () => {
    const { out } = await user.heddle('export');
    const documents = parseAllDocuments(out).map((document) => document.toJS() as { kind: string });
    expect(documents.map(({ kind }) => kind)).toContain('Mesh');
    expect(out).not.toMatch(/uid|status|createdAt/);
    user.write('all.yaml', out);
    expect((await user.heddle('diff', '-f', 'all.yaml')).code).toBe(0);
    await user.heddle('export', '--dir', 'out');
    expect((await user.heddle('diff', '-f', 'out')).code).toBe(0);
    const file = join(user.dir, 'out/shop/timeoutpolicy.orders.yaml');
    expect(parse(readFileSync(file, 'utf8'))).toMatchObject({ kind: 'TimeoutPolicy' });
    expect((await user.heddle('export', '--dir', 'out')).err).toContain(', 0 files written');
  });
});

describe('heddle edit', () => {
  it('changes one field of a local file, keeps the rest as its author wrote it, and applies it', async () => {
    const file = user.write('edit.yaml', timeout('web', '1s'));
    const done = await user.heddle('edit', '-f', file, '--set', 'spec.request=5s', '--yes');
    expect([done.code, done.out]).toEqual([EXIT.ok, expect.stringMatching(/created +TimeoutPolicy/)]);
    expect(readFileSync(join(user.dir, file), 'utf8')).toBe(timeout('web', '5s'));
  });

  it('--pull takes over what the mesh has', async () => {
    await user.pipe(timeout('web', '9s'), 'apply', '--yes', '-f', '-');
    expect((await user.heddle('edit', '-f', 'edit.yaml', '--pull')).code).toBe(EXIT.ok);
    expect(readFileSync(join(user.dir, 'edit.yaml'), 'utf8')).toBe(timeout('web', '9s'));
    expect((await user.heddle('diff', '-f', 'edit.yaml')).code).toBe(0);
  });
});
