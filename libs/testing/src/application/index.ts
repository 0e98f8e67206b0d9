import { createServer, type RequestListener, type Server } from 'node:http';

/**
 * An application behind a sidecar. Connections that are idle it leaves to the sidecar to close: were it the first to do so, as
 * Node is after five seconds, a request could meet the closing one and fail, which would be no fault of the mesh.
 */
export function createApplication(listener: RequestListener): Server {
  const server = createServer(listener);
  server.keepAliveTimeout = 0;
  return server;
}
