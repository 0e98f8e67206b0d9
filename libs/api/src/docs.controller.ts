import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Controller, Get, Inject, Param, Res } from '@nestjs/common';
import { Anonymous } from './access.js';
import { API_DEPS, type ApiDeps } from './deps.js';
import type { HttpResponse } from './http.js';
import { openApiDocument } from './openapi.js';
import { notFound } from './problem.js';

const ASSETS: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
};

const PAGE = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Heddle API</title><link rel="stylesheet" href="/api/docs/swagger-ui.css"></head>
<body><div id="api"></div><script src="/api/docs/swagger-ui-bundle.js"></script><script src="/api/docs/start.js"></script></body>
</html>
`;

const START = `SwaggerUIBundle({ url: '/api/openapi.json', dom_id: '#api', deepLinking: true, validatorUrl: null });\n`;

/** The page may load what this server has, nothing else; Swagger UI sets styles on elements and has icons as data. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/** The API's description and a page to browse it: files without data, so that they need no token. */
@Controller('api')
export class DocsController {
  private readonly document: string;
  private readonly assets: string;

  constructor(@Inject(API_DEPS) deps: ApiDeps) {
    this.document = JSON.stringify(openApiDocument(deps.registry, deps.version));
    this.assets = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
  }

  @Get('openapi.json')
  @Anonymous()
  openapi(@Res() response: HttpResponse): void {
    send(response, 'application/json; charset=utf-8', this.document);
  }

  @Get('docs')
  @Anonymous()
  page(@Res() response: HttpResponse): void {
    response.setHeader('Content-Security-Policy', PAGE_POLICY);
    send(response, 'text/html; charset=utf-8', PAGE);
  }

  @Get('docs/:asset')
  @Anonymous()
  async asset(@Param('asset') asset: string, @Res() response: HttpResponse): Promise<void> {
    if (asset === 'start.js') return send(response, 'text/javascript; charset=utf-8', START);
    const type = Object.hasOwn(ASSETS, asset) ? ASSETS[asset] : undefined;
    if (type === undefined) throw notFound('there is no such file');
    send(response, type, await readFile(join(this.assets, asset)));
  }
}

function send(response: HttpResponse, contentType: string, body: string | Uint8Array): void {
  response.setHeader('Content-Type', contentType);
  response.end(body);
}
