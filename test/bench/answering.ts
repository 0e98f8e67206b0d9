/** An application in a thread of its own: whatever it is asked, it says the same. */
import { createServer } from 'node:http';
import { parentPort, workerData } from 'node:worker_threads';

/** The end of its answers. */
export const ANSWER = 'that is all';

const isWhere = (data: unknown): data is { readonly address: string; readonly port: number } =>
  typeof data === 'object' && data !== null && 'address' in data && 'port' in data;

if (isWhere(workerData)) {
  const server = createServer((_, response) => {
    response.setHeader('content-length', ANSWER.length);
    response.end(ANSWER);
  });
  server.keepAliveTimeout = 600_000;
  server.listen(workerData.port, workerData.address, () => parentPort?.postMessage('listening'));
}
