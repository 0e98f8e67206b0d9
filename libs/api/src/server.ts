import 'reflect-metadata';
import type { Server } from 'node:http';
import { Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { createApiModule } from './api.module.js';
import type { ApiDeps } from './deps.js';
import { frontDoor } from './front-door.js';
import { tracing } from './tracing.js';

/** Milliseconds that requests in flight get when the server stops. */
const DRAIN_MS = 5_000;
const IDLE_EVERY_MS = 50;

/** Private key and certificate chain, PEM. */
export interface ServerTls {
  readonly key: string;
  readonly cert: string;
}

export interface ApiOptions {
  readonly deps: ApiDeps;
  /** Address to listen on. */
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  /** PEM. Without, `host` must be a loopback address. */
  readonly tls?: ServerTls | undefined;
  /** Further controllers of the app, under the same guard. */
  readonly controllers?: readonly Type<object>[] | undefined;
}

export interface RunningApi {
  /** The port it listens on. */
  readonly port: number;
  /** Uses another certificate for connections from now on; without TLS it does nothing. */
  renewTls(tls: ServerTls): void;
  /** Takes no new connection, lets requests in flight finish for 5 s, then cuts them. */
  close(): Promise<void>;
}

const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || host.startsWith('127.');

/**
 * Starts the REST server.
 * @throws Error when TLS is missing off loopback, or a handler states no permission
 * @throws an error with code EADDRINUSE when the port is taken
 */
export async function startApi({ deps, host, port, tls, controllers }: ApiOptions): Promise<RunningApi> {
  if (tls === undefined && !isLoopback(host))
    throw new Error(`REST on ${host} needs TLS: plain HTTP is for loopback only`);
  const app = await NestFactory.create<NestExpressApplication>(createApiModule(deps, controllers), {
    logger: false,
    bodyParser: false,
    abortOnError: false,
    cors: false,
    ...(tls === undefined ? {} : { httpsOptions: tls }),
  });
  app.disable('x-powered-by').disable('etag');
  app.set('case sensitive routing', true).set('strict routing', true).set('query parser', 'simple');
  app.use(frontDoor([...deps.allowedHosts, host]));
  if (deps.tracer?.on) app.use(tracing(deps.tracer));
  const server: Server = app.getHttpServer();
  limitConnections(server);
  await app.listen(port, host);
  return {
    port: (server.address() as AddressInfo).port,
    renewTls: (next) => {
      if (server instanceof TlsServer) server.setSecureContext(next);
    },
    close: () => close(app, server, deps),
  };
}

/** A client that dawdles holds a socket, not the server. */
function limitConnections(server: Server): void {
  server.headersTimeout = 10_000;
  server.requestTimeout = 60_000;
  server.keepAliveTimeout = 15_000;
  server.maxHeadersCount = 100;
}

async function close(app: NestExpressApplication, server: Server, { clock }: ApiDeps): Promise<void> {
  const cancel = clock.after(DRAIN_MS, () => server.closeAllConnections());
  const closed = app.close();
  server.closeIdleConnections();
  // Connections whose last answer has ended since, such as those of streams of events, which end by now.
  const stopLooking = clock.every(IDLE_EVERY_MS, () => server.closeIdleConnections());
  await closed.finally(cancel).finally(stopLooking);
}
