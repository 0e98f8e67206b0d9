/** An application in a thread of its own: whatever it is asked, it says the same. */
import { parentPort, workerData } from 'node:worker_threads';
import { createApplication } from '../../libs/testing/src/application/index.js';

/** The end of its answers. */
export const ANSWER = 'that is all';

const isWhere = (data: unknown): data is { readonly address: string; readonly port: number } =>
  typeof data === 'object' && data !== null && 'address' in data && 'port' in data;

if (isWhere(workerData)) {
  const server = createApplication((_, response) => {
    response.setHeader('content-length', ANSWER.length);
    response.end(ANSWER);
  });
  server.listen(workerData.port, workerData.address, () => parentPort?.postMessage('listening'));
}
