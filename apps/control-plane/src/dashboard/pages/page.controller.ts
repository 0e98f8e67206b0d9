import { randomBytes } from 'node:crypto';
import { Controller, Get, Param, Req, Res, type Type } from '@nestjs/common';
import { Anonymous, type HttpRequest, type HttpResponse, notFound } from '#libs/api';
import type { Sessions } from '../session/sessions.js';
import type { DashboardFiles } from './dashboard-files.js';

/** Nothing from elsewhere, no script but the files of this server, no style but its files and those with the nonce (SEC-47). */
const policy = (nonce: string): string =>
  [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');

const FOR_A_YEAR = 'public, max-age=31536000, immutable';

const NOT_BUILT = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Heddle</title></head>
<body><h1>The dashboard was not built</h1>
<p>This control plane serves its API, but the files of its dashboard are not there. In its checkout, run
<code>npm run build</code>, then start it again. The API is described at <a href="/api/docs">/api/docs</a>.</p></body></html>
`;

/** The dashboard's page and files: without data, so that they need no token. */
export function createPageController(files: DashboardFiles | undefined, sessions: Sessions): Type<object> {
  @Controller()
  class PageController {
    /** Every address of a page gives the same one, which then reads its address. The last is that of notifications. */
    @Get(['', 'login', 'm/:mesh', 'm/:mesh/*rest', 'meshes/:mesh/alerts/:fingerprint'])
    @Anonymous()
    page(@Req() request: HttpRequest, @Res() response: HttpResponse): void {
      response.setHeader('Content-Type', 'text/html; charset=utf-8');
      response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
      response.setHeader('Permissions-Policy', 'camera=(), geolocation=(), microphone=(), payment=(), usb=()');
      if (files === undefined) {
        response.statusCode = 503;
        response.end(NOT_BUILT);
        return;
      }
      const nonce = randomBytes(16).toString('base64');
      response.setHeader('Content-Security-Policy', policy(nonce));
      const isOpen = sessions.of(request) !== undefined;
      response.end(files.page.replaceAll('__NONCE__', nonce).replace('__SESSION__', isOpen ? 'open' : 'none'));
    }

    @Get('assets/:name')
    @Anonymous()
    asset(@Param('name') name: string, @Req() request: HttpRequest, @Res() response: HttpResponse): void {
      const file = files?.assets.get(name);
      if (file === undefined) throw notFound('there is no such file: load the page again');
      response.setHeader('Content-Type', file.type);
      // Its name is its content: what changes has another.
      response.setHeader('Cache-Control', FOR_A_YEAR);
      response.setHeader('Vary', 'Accept-Encoding');
      const zipped = /\bgzip\b/.test(String(request.headers['accept-encoding'])) ? file.gzip : undefined;
      if (zipped) response.setHeader('Content-Encoding', 'gzip');
      response.end(zipped ?? file.bytes);
    }

    @Get('favicon.ico')
    @Anonymous()
    icon(@Res() response: HttpResponse): void {
      response.statusCode = 204;
      response.end();
    }
  }
  return PageController;
}
