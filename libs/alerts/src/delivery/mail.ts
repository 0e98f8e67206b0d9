import { once } from 'node:events';
import { connect, isIP, type Socket } from 'node:net';
import { createTransport } from 'nodemailer';
import { contentHash } from '#libs/kernel';
import type { AlertChannel } from '#libs/model';
import { type Egress, EgressRefused } from './egress.js';
import { DeliveryFailed } from './failure.js';
import type { Notification } from './notification.js';
import { mailText, titleOf } from './shapes.js';

export type EmailChannel = Extract<AlertChannel, { type: 'Email' }>;

export interface MailOptions {
  readonly egress: Egress;
  readonly ca?: readonly string[] | undefined;
  /** For the whole of it, milliseconds. */
  readonly timeoutMs?: number;
  /** '' = no login. */
  readonly password: string;
  /** The same for the same notification: whoever gets it twice can see that. */
  readonly id: string;
}

const TIMEOUT_MS = 30_000;

/** Sends a mail over a connection of its own, with TLS or not at all. @throws DeliveryFailed */
export async function sendMail(channel: EmailChannel, notification: Notification, options: MailOptions): Promise<void> {
  const { host, port, tls, username, from, to } = channel;
  const { ca, timeoutMs = TIMEOUT_MS, password, id } = options;
  const address = await dialled(host, options.egress);
  // Ended by this whatever the server does: one that says a word now and then would hold a mail for ever.
  const timeout = AbortSignal.timeout(timeoutMs);
  const socket = await connected({ host: address, port }, timeout, host);
  const transport = createTransport({
    ...{ host: address, port, secure: tls === 'Implicit', requireTLS: tls === 'StartTls' },
    ...(username === '' ? {} : { auth: { user: username, pass: password } }),
    getSocket: (_, callback) => callback(null, { connection: socket }),
    ...{ disableFileAccess: true, disableUrlAccess: true, logger: false, debug: false },
    tls: {
      ...{ rejectUnauthorized: true, minVersion: 'TLSv1.2' },
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...(ca ? { ca: [...ca] } : {}),
    },
  });
  const domain = from.split('@').at(-1) ?? 'heddle';
  const thread = `<heddle-group-${contentHash(`${notification.receiver} ${notification.groupKey}`)}@${domain}>`;
  try {
    await transport.sendMail({
      from,
      to: [...to],
      subject: titleOf(notification),
      text: mailText(notification),
      messageId: `<heddle-${id}@${domain}>`,
      inReplyTo: thread,
      references: thread,
      headers: { 'auto-submitted': 'auto-generated' },
    });
  } catch (error) {
    const words = timeout.aborted ? 'did not answer in time' : wordsOf(error);
    throw new DeliveryFailed(`${host} ${words}`, timeout.aborted || isWorthAnotherTry(error));
  } finally {
    transport.close();
    socket.destroy();
  }
}

async function connected(
  to: { readonly host: string; readonly port: number },
  timeout: AbortSignal,
  name: string,
): Promise<Socket> {
  const socket = connect({ ...to, signal: timeout });
  socket.on('error', () => {}); // whoever waits for it is told; afterwards nobody has to be
  try {
    await once(socket, 'connect');
    return socket;
  } catch (error) {
    throw new DeliveryFailed(`${name} ${timeout.aborted ? 'did not answer in time' : wordsOf(error)}`, true);
  }
}

async function dialled(host: string, egress: Egress): Promise<string> {
  try {
    return (await egress.target(host)).address;
  } catch (error) {
    if (error instanceof EgressRefused) throw new DeliveryFailed(error.message, true);
    throw error;
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';

const statusOf = (error: unknown): number =>
  error instanceof Error && 'responseCode' in error && typeof error.responseCode === 'number' ? error.responseCode : 0;

/** False when the server refuses this message for good (RFC 5321: 5xx); logins, TLS and networks are mended by somebody. */
const isWorthAnotherTry = (error: unknown): boolean =>
  statusOf(error) < 500 || !['EENVELOPE', 'EMESSAGE'].includes(codeOf(error));

/** What the TLS of this side says of a certificate comes as an error of the socket. */
const isAboutCertificate = (error: unknown): boolean =>
  codeOf(error) === 'ESOCKET' && error instanceof Error && /certificate|altnames/i.test(error.message);

/** By code and status alone: what a server says is not ours to show (SEC-41). */
function wordsOf(error: unknown): string {
  const status = statusOf(error);
  const code = codeOf(error);
  if (code === 'EAUTH') return `does not accept the login${status > 0 ? ` (${status})` : ''}`;
  if (isAboutCertificate(error)) return 'has a certificate that is not trusted';
  if (code === 'ETLS') return 'does not offer TLS';
  if (status > 0) return `refused the message (${status})`;
  if (code === 'ETIMEDOUT') return 'did not answer in time';
  return code === '' ? 'cannot be reached' : `cannot be reached (${code})`;
}
