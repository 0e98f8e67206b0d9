/** A stored resource over which the build throws: it can be written anew by whoever may write it. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import type { PolicyKind } from '#libs/model';
import { policies } from '#policies';
import { MESH, PlanServer, service } from './server.js';

/** What the build throws over, once it is written. */
const mistakes = new Set<number>();
const throwing: PolicyKind = {
  ...{ kind: 'TestPace', plural: 'testpaces', side: 'client', summary: 'For tests.', targets: ['Service', 'Mesh'] },
  schema: z.strictObject({
    level: z
      .number()
      .describe('For tests.')
      .superRefine((level) => {
        if (mistakes.has(level)) throw new Error(`a mistake at level ${level}`);
      }),
  }),
  resolve: (contributions: unknown) => contributions,
  contributors: () => [],
};
const pace = (level: number) => ({
  ...{ apiVersion: 'heddle.dev/v1alpha1', kind: 'TestPace', metadata: { name: 'web', namespace: 'shop' } },
  spec: { targetRef: { kind: 'Service', name: 'web' }, level },
});
const editor = {
  ...{ apiVersion: 'heddle.dev/v1alpha1', kind: 'RoleBinding', metadata: { name: 'shop-team' } },
  spec: { role: 'editor', subjects: [{ kind: 'Token', name: 'sam' }], namespaces: ['shop'] },
};

let server: PlanServer;
beforeAll(async () => {
  server = await PlanServer.start([...policies, throwing]);
  await server.apply(service('web'), editor);
});
afterAll(() => server?.stop());

it.each(['an administrator', 'an editor of its namespace'])('REL-25 it is mended by %s', async (who) => {
  const token = who === 'an administrator' ? {} : { token: await server.tokenOf('sam', 'none') };
  mistakes.clear();
  await server.apply(pace(3));
  mistakes.add(3);
  const planned = await server.call('POST', `${MESH}/plan`, { manifests: [pace(4)] }, token);
  expect([planned.status, planned.body.intent?.[0] ?? planned.body]).toEqual([
    200,
    expect.objectContaining({ op: 'update', name: 'web' }),
  ]);
  const mended = await server.call('POST', `${MESH}/apply`, { manifests: [pace(4)] }, token);
  expect([mended.status, mended.body.summary?.updated ?? mended.body]).toEqual([200, expect.anything()]);
  // What it throws over is not written, of course.
  expect((await server.call('POST', `${MESH}/apply`, { manifests: [pace(3)] }, token)).status).toBe(500);
});
