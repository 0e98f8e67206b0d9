import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ControlPlaneClient } from './control-plane-client.js';
import { ControlPlaneError, ControlPlaneUnreachable } from './launcher-error.js';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

interface Seen {
  method: string | undefined;
  url: string | undefined;
  authorization: string | undefined;
  body: unknown;
}

async function serve(answer: (seen: Seen, response: ServerResponse) => void): Promise<string> {
  const server = createServer((request: IncomingMessage, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    request.on('end', () => {
      const { method, url, headers } = request;
      answer(
        { method, url, authorization: headers.authorization, body: text === '' ? undefined : JSON.parse(text) },
        response,
      );
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const registration = {
  workload: 'orders-blue',
  bind: { address: '10.0.0.5', ports: { http: 8080 } },
  app: { address: '127.0.0.1', ports: { http: 8080 } },
};

describe('the client of the control plane', () => {
  it('registers, renews and leaves with the newest token', async () => {
    const seen: Seen[] = [];
    const url = await serve((request, response) => {
      seen.push(request);
      response.end(
        request.method === 'DELETE' ? '{"acked":true}' : '{"token":"next","expiresAt":"2026-01-01T00:00:00Z"}',
      );
    });
    let token = 'first';
    const client = new ControlPlaneClient({ url, token: () => token });
    await client.registerInstance('default', 'shop', 'orders-1', registration);
    token = (await client.renewToken()).token;
    expect(await client.deregister('default', 'shop', 'orders-1', 5)).toBe(true);
    const path = '/api/v1/meshes/default/namespaces/shop/instances/orders-1';
    expect(seen).toEqual([
      { method: 'PUT', url: path, authorization: 'Bearer first', body: registration },
      { method: 'POST', url: '/api/v1/tokens/renew', authorization: 'Bearer first', body: undefined },
      { method: 'DELETE', url: `${path}?wait=5`, authorization: 'Bearer next', body: undefined },
    ]);
  });

  it('tells every violation of a refusal in one line', async () => {
    const url = await serve((_request, response) => {
      response.statusCode = 400;
      const violations = [
        { path: '/bind/ports/http', message: 'must be at most 65535' },
        { path: '', message: 'no' },
      ];
      response.end(
        JSON.stringify({ type: 'urn:heddle:problem:invalid', detail: 'the instance is not valid', violations }),
      );
    });
    const client = new ControlPlaneClient({ url, token: 'x' });
    const failure = await client.registerInstance('m', 'n', 'i', registration).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ControlPlaneError);
    expect(failure).toMatchObject({
      status: 400,
      code: 'invalid',
      temporary: false,
      message:
        'the control plane answered 400: the instance is not valid; /bind/ports/http: must be at most 65535; document: no',
    });
  });

  it('says once what the summary of a refusal repeats', async () => {
    const url = await serve((_request, response) => {
      response.statusCode = 400;
      const violations = [
        { path: '/bind', message: 'taken' },
        { path: '/app', message: 'no' },
      ];
      response.end(JSON.stringify({ detail: '/bind: taken (and 1 more)', violations }));
    });
    const client = new ControlPlaneClient({ url, token: 'x' });
    await expect(client.registerInstance('m', 'n', 'i', registration)).rejects.toThrow(
      /^the control plane answered 400: \/bind: taken; \/app: no$/,
    );
  });

  it('knows that a database outage passes', async () => {
    const url = await serve((_request, response) => {
      response.statusCode = 503;
      response.end('{"detail":"Postgres is away"}');
    });
    const failure = await new ControlPlaneClient({ url, token: 'x' }).renewToken().catch((error: unknown) => error);
    expect(failure).toMatchObject({ status: 503, temporary: true });
  });

  it('says so when nobody listens, when nobody answers, and when it is no control plane', async () => {
    const gone = await serve(() => {});
    await new Promise((resolve) => servers.pop()?.close(resolve));
    const absent = await new ControlPlaneClient({ url: gone, token: 'x' })
      .renewToken()
      .catch((error: unknown) => error);
    expect(absent).toBeInstanceOf(ControlPlaneUnreachable);
    expect(absent).toHaveProperty('message', `nobody listens at ${gone}: is the control plane running there?`);
    const silent = await serve(() => {});
    const client = new ControlPlaneClient({ url: silent, token: 'x', timeoutMs: 100 });
    await expect(client.renewToken()).rejects.toThrow(`${silent} did not answer in time`);
    servers.at(-1)?.closeAllConnections();
    const other = await serve((_request, response) => response.end('<html>'));
    await expect(new ControlPlaneClient({ url: other, token: 'x' }).renewToken()).rejects.toThrow(
      /is it a Heddle control plane/,
    );
  });

  it.each(['http://heddle.example.com:8190', 'http://127.evil.example:1', 'ftp://127.0.0.1', 'heddle'])(
    'does not send a token to %s',
    (url) => {
      expect(() => new ControlPlaneClient({ url, token: 'x' })).toThrow(/use https|is no URL/);
    },
  );
});
