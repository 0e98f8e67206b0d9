/** For tests of others: messages as sidecars write them. */
export { logMessage } from '../src/testing/log-message.js';
