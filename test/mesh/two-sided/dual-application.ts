import { createServer as createHttp2 } from 'node:http2';
import { createServer, type Server } from 'node:net';
import { createApplication } from '../../../libs/testing/src/application/index.js';

/** An application that takes HTTP/1.1 and HTTP/2 without TLS on one port, by the first bytes: it stays when a service's protocol moves. */
export function dualApplication(name: string): Server {
  const one = createApplication((_, response) => response.end(name));
  const two = createHttp2((_, response) => void response.end(name));
  two.on('sessionError', () => {});
  return createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (first) => {
      socket.pause();
      socket.unshift(first);
      const isHttp2 = first.subarray(0, 3).toString('latin1') === 'PRI';
      (isHttp2 ? two : one).emit('connection', socket);
      if (!isHttp2) socket.resume();
    });
  });
}
