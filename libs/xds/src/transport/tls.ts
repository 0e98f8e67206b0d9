import { constants } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';
import type { TlsMaterial } from './carrier.js';

/** TLS 1.3 without tickets: a resumed session would skip the checks of a new one (M1, M2, SEC-6). */
export const contextOf = ({ keyPem, certPem, caPem }: TlsMaterial): SecureContextOptions => ({
  key: keyPem,
  cert: certPem,
  minVersion: 'TLSv1.3',
  secureOptions: constants.SSL_OP_NO_TICKET,
  ...(caPem === undefined ? {} : { ca: caPem }),
});

/** As a call's peer and its socket are both known. */
export const peerName = (socket: { remoteAddress?: string | undefined; remotePort?: number | undefined }): string =>
  `${socket.remoteAddress}:${socket.remotePort}`;
