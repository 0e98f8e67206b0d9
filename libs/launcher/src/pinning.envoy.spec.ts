import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BasicConstraintsExtension, SubjectAlternativeNameExtension, X509CertificateGenerator } from '@peculiar/x509';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findEnvoy } from './find-envoy.js';
import { freePort } from './free-port.js';
import { Sidecar } from './sidecar.js';
import { writeSidecarFiles, writeToken } from './sidecar-files.js';
import { sampleCaPem, sampleOptions } from './testdata/sample-options.js';

const dir = mkdtempSync(join(tmpdir(), 'heddle-pinning-'));
let envoy: string;
beforeAll(async () => {
  envoy = (await findEnvoy({ version: '1.40.0' })).path;
}, 300_000);
afterAll(() => rmSync(dir, { recursive: true, force: true }));

interface Impostor {
  readonly server: Http2SecureServer;
  readonly port: number;
  readonly certificate: string;
  /** The credentials that were shown to it. */
  readonly tokens: string[];
  /** Connections that were attempted. */
  connections: number;
}

/** Speaks TLS and HTTP/2 under the given name, writes down every credential, and refuses every stream. */
async function listenAs(name: string): Promise<Impostor> {
  const { certificate, key } = await selfSigned(name);
  const server = createSecureServer({ cert: certificate, key });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const impostor: Impostor = {
    server,
    port: (server.address() as AddressInfo).port,
    certificate,
    tokens: [],
    connections: 0,
  };
  server.on('connection', () => {
    impostor.connections += 1;
  });
  server.on('sessionError', () => {});
  server.on('stream', (stream, headers) => {
    impostor.tokens.push(String(headers.authorization));
    stream.on('error', () => {});
    stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '16' }, { endStream: true });
  });
  return impostor;
}

async function selfSigned(name: string): Promise<{ certificate: string; key: string }> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const extensions = [
    new BasicConstraintsExtension(true),
    new SubjectAlternativeNameExtension([{ type: 'dns', value: name }]),
  ];
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    keys,
    signingAlgorithm: algorithm,
    extensions,
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return {
    certificate: certificate.toString('pem'),
    key: `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`,
  };
}

/** A sidecar that is told to find its control plane at the impostor and to trust `caPem`. */
async function sidecarOf(name: string, port: number, caPem: string): Promise<Sidecar> {
  const admin = { address: '127.0.0.1', port: await freePort() };
  const xds = { ...sampleOptions.xds, address: '127.0.0.1', port };
  const { bootstrap } = await writeSidecarFiles(join(dir, name), {
    ...sampleOptions,
    xds,
    admin,
    caPem,
    token: 'secret.one',
  });
  return Sidecar.start({ envoy, bootstrap, admin, id: name });
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 2000 && !condition(); i++) await sleep(20);
  expect(condition()).toBe(true);
}

describe('the pinned control plane', () => {
  it.each([
    ['another authority vouches for', sampleOptions.xds.serverName, () => sampleCaPem],
    ['carries another name', 'someone-else.heddle.local', (impostor: Impostor) => impostor.certificate],
  ])('SEC-17: an impostor whose certificate %s sees no byte of the token', async (what, name, ca) => {
    const impostor = await listenAs(name);
    const sidecar = await sidecarOf(what.replaceAll(' ', '-'), impostor.port, ca(impostor));
    await until(() => impostor.connections >= 2);
    expect(impostor.tokens).toEqual([]);
    const failures = await sidecar.stats('^cluster.heddle_xds.ssl.(fail_verify_error|fail_verify_san)$');
    expect([...failures.values()].reduce((a, b) => a + b, 0)).toBeGreaterThan(0);
    await sidecar.stop();
    impostor.server.close();
  });

  it('is shown the token, and the renewed one on its next stream, without a restart', async () => {
    const controlPlane = await listenAs(sampleOptions.xds.serverName);
    const sidecar = await sidecarOf('trusted', controlPlane.port, controlPlane.certificate);
    await until(() => controlPlane.tokens.includes('Bearer secret.one'));
    await writeToken(join(dir, 'trusted'), 'secret.two');
    await until(() => controlPlane.tokens.at(-1) === 'Bearer secret.two');
    expect(new Set(controlPlane.tokens)).toEqual(new Set(['Bearer secret.one', 'Bearer secret.two']));
    await sidecar.stop();
    controlPlane.server.close();
  });
});
