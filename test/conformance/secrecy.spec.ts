import { afterEach, describe, expect, it } from 'vitest';
import type { Log, LogFields } from '#libs/kernel';
import type { Layer, View } from '#libs/xds';
import { cluster, endpoints, listener, quiet, type Resource, Rig, route, secretBytes, TYPE } from './rig.js';

let rig: Rig;
afterEach(() => rig.stop());

/** A message with one more field, which nobody knows. */
function withText(message: Uint8Array, text: string): Buffer {
  const field = Buffer.from(text);
  return Buffer.concat([message, Buffer.from([0xfa, 0x3f, field.length]), field]);
}

describe('views', () => {
  const TYPES = [TYPE.cluster, TYPE.endpoint, TYPE.listener, TYPE.route] as const;

  /** What one tenant has: names that others have too, names of its own, and its marker in all contents. */
  function resourcesOf(tenant: string, mark: number): Resource[] {
    const own = `${tenant}-only`;
    return ['shared', own]
      .flatMap((name) => [
        { ...cluster(name, mark), key: `${tenant}/c/${name}` },
        { ...endpoints(name, mark), key: `${tenant}/e/${name}` },
        { ...listener(name, [], mark), key: `${tenant}/l/${name}` },
        { ...route(name, [], mark), key: `${tenant}/r/${name}` },
      ])
      .map((resource) => marked(resource, tenant));
  }

  const marked = (resource: Resource, tenant: string): Resource => ({
    ...resource,
    bytes: withText(resource.bytes, markerOf(tenant)),
    version: `${resource.version}-${markerOf(tenant)}`,
  });

  const markerOf = (tenant: string): string => `belongs-to-${tenant}`;

  function publish(mark: number): void {
    const tenants = ['x', 'y'].map((tenant) => ({ tenant, resources: resourcesOf(tenant, mark) }));
    rig.raw({
      set: tenants.flatMap(({ resources }) => resources),
      layers: tenants.map(({ tenant, resources }): Layer => ({ id: tenant, keys: resources.map(({ key }) => key) })),
      views: tenants.map(({ tenant }): View => ({ id: tenant, layers: [tenant] })),
    });
  }

  it.each(['delta', 'sotw'] as const)(
    'SEC-14 nothing of another view arrives, not for shared names, not when it is asked for by name (%s)',
    async (variant) => {
      rig = await Rig.start({ gatekeeper: { admit: (principal) => Promise.resolve(principal.id) } });
      publish(1);
      const client = rig.client({ variant, token: 'x', node: { id: 'x/1', cluster: 'y' } });
      for (const type of TYPES)
        client.subscribe(type, ['*', 'shared', 'x-only', 'y-only', 'y/c/shared', 'y-only/../x']);
      const other = rig.client({ variant, token: 'y', node: { id: 'y/1' } }).subscribe(TYPE.cluster);
      await client.waitFor((c) => TYPES.every((type) => c.names(type).length === 2));
      await other.waitFor((c) => c.names(TYPE.cluster).length === 2);
      publish(2);
      await client.waitFor(() => rig.server.progress(3).acked === 2);
      rig.raw({ removed: ['y/c/shared', 'y/r/y-only'], layers: [{ id: 'y', keys: ['y/c/y-only'] }] });
      await quiet();
      const received = client.responses.flatMap((r) => r.resources.map(({ bytes }) => Buffer.from(bytes).toString()));
      expect(received.length).toBeGreaterThanOrEqual(16);
      for (const text of received) {
        expect(text).toContain(markerOf('x'));
        expect(text).not.toContain(markerOf('y'));
      }
      expect(client.names(TYPE.cluster)).toEqual(['shared', 'x-only']);
      expect(other.names(TYPE.cluster)).toEqual(['y-only']);
      expect(client.responses.map(({ version }) => version).join()).not.toContain(markerOf('y'));
    },
  );
});

describe('logs', () => {
  class Lines implements Log {
    readonly written: string[] = [];

    readonly #write = (message: string, fields: LogFields = {}): void => {
      this.written.push(JSON.stringify([message, fields]));
    };
    readonly debug = this.#write;
    readonly info = this.#write;
    readonly warn = this.#write;
    readonly error = this.#write;
    readonly child = (): Log => this;
  }

  it('SDS-7 no secret is ever written to them: sent, refused, not to be had, or at the end of a stream', async () => {
    const KEY = 'the-private-key';
    const log = new Lines();
    let answers = 0;
    rig = await Rig.start({
      log,
      secrets: {
        resolve: (_p, _n, name) => {
          if (name === 'broken') return Promise.reject(new Error('no authority'));
          return Promise.resolve({ kind: 'send', version: `v${++answers}`, bytes: withText(secretBytes(name), KEY) });
        },
        recheckAfterMs: () => undefined,
      },
    });
    const refusing = rig.client({ judge: () => 'Invalid path' }).subscribe(TYPE.secret, ['identity', 'broken']);
    const taking = rig.client({ variant: 'sotw', node: { id: 'alice/2' } }).subscribe(TYPE.secret, ['identity']);
    await refusing.waitFor(() => rig.nacks.length === 1);
    await taking.waitFor((c) => c.responses.length === 1);
    rig.server.secretsChanged();
    await refusing.waitFor(() => rig.nacks.length === 2);
    refusing.stream.sendBytes(Buffer.from([0xff]));
    await refusing.waitFor((c) => c.ended !== undefined);
    const written = log.written.join('\n');
    for (const line of ['a client refused a response', 'could not be resolved']) expect(written).toContain(line);
    const said = [written, JSON.stringify(rig.nacks), refusing.ended?.details];
    for (const form of [KEY, Buffer.from(KEY).toString('base64').slice(0, 12), Buffer.from(KEY).toString('hex')]) {
      for (const text of said) expect(text).not.toContain(form);
    }
  });
});
