/** Real receivers on loopback. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';

export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into documents of many shapes
  readonly body: any;
}

/** A webhook that keeps what it gets. */
export class Hook {
  readonly received: Received[] = [];
  /** Connections that were opened, whatever became of them. */
  connections = 0;
  status = 200;
  /** Never answers. */
  isDeaf = false;
  answer = 'ok';
  headers: Readonly<Record<string, string>> = {};

  private constructor(
    private readonly server: Server,
    private readonly scheme: string,
  ) {}

  static async start(tls?: { readonly certificate: string; readonly key: string }, port = 0): Promise<Hook> {
    const server = tls ? createTlsServer({ cert: tls.certificate, key: tls.key }) : createServer();
    const hook = new Hook(server, tls ? 'https' : 'http');
    server.on('connection', () => {
      hook.connections += 1;
    });
    server.on('request', (request, response) => {
      let text = '';
      request.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      request.on('end', () => {
        hook.received.push({ path: request.url ?? '', headers: request.headers, body: JSON.parse(text || 'null') });
        if (!hook.isDeaf) response.writeHead(hook.status, hook.headers).end(hook.answer);
      });
    });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return hook;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  url(host = '127.0.0.1', path = '/hook'): string {
    return `${this.scheme}://${host}:${this.port}${path}`;
  }

  /** `firing orders` for each alert, in the order in which they came. */
  get told(): string[] {
    return this.received.flatMap(({ body }) =>
      (body.alerts as { status: string; labels: Record<string, string> }[]).map(
        ({ status, labels }) => `${status} ${labels['alertname']}`,
      ),
    );
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}

export interface MailServerOptions {
  readonly certificate: string;
  readonly key: string;
  /** TLS from the first byte. */
  readonly implicit?: boolean;
  /** Neither TLS nor STARTTLS. */
  readonly plain?: boolean;
  readonly login?: { readonly user: string; readonly password: string };
  /** Refuses recipients with this status. */
  readonly refuses?: number;
}

/** A mail server that keeps what it gets. */
export class MailServer {
  readonly mails: string[] = [];

  private constructor(private readonly server: SMTPServer) {}

  static async start(options: MailServerOptions): Promise<MailServer> {
    const { certificate, key, implicit = false, plain = false, login, refuses } = options;
    const server: SMTPServer = new SMTPServer({
      ...{ secure: implicit, cert: certificate, key, logger: false, authOptional: login === undefined },
      ...{ disabledCommands: plain ? ['STARTTLS', 'AUTH'] : [], closeTimeout: 100 },
      onAuth: (auth, _, done) => {
        const isRight = auth.username === login?.user && auth.password === login?.password;
        if (isRight) done(null, { user: auth.username ?? '' });
        else done(new Error('no'));
      },
      onRcptTo: (_address, _session, done) => {
        if (refuses === undefined) done();
        else done(Object.assign(new Error('<b>refused</b> by policy 10.0.0.7'), { responseCode: refuses }));
      },
      onData: (stream, _, done) => {
        let text = '';
        stream.setEncoding('utf8').on('data', (part: string) => {
          text += part;
        });
        stream.on('end', () => {
          mail.mails.push(text);
          done();
        });
      },
    });
    const mail = new MailServer(server);
    server.on('error', () => {}); // clients that go away in the middle
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve());
    });
    return mail;
  }

  get port(): number {
    return (this.server.server.address() as AddressInfo).port;
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.server.close(() => resolve());
    });
  }
}
