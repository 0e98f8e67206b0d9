import type { Span, Tracer } from '#libs/kernel';
import type { HttpRequest, HttpResponse } from './http.js';

/** Probes, scrapes and files of the dashboard are many and tell nothing. */
const TRACED = /^\/api\//;
const SERVER_ERROR = 500;

/**
 * A span for each request, from its headers to the end of its answer, named by the route that served it: addresses, queries
 * and headers are told to nobody. Goes on with the caller's `traceparent`; the answer has one of its own.
 */
export function tracing(tracer: Tracer) {
  return (request: HttpRequest, response: HttpResponse, next: () => void): void => {
    if (!tracer.on || !TRACED.test(request.url ?? '')) {
      next();
      return;
    }
    const { traceparent } = request.headers;
    const work = (span: Span): Promise<void> => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const current = tracer.current();
      if (current !== undefined) response.setHeader('traceparent', current);
      response.once('close', () => {
        describe(span, request, response);
        resolve();
      });
      next();
      return promise;
    };
    const parent = typeof traceparent === 'string' ? traceparent : undefined;
    void tracer.run(request.method ?? 'HTTP', work, { kind: 'server', parent });
  };
}

function describe(span: Span, request: HttpRequest, response: HttpResponse): void {
  const { method = 'HTTP', requestId, route, params } = request;
  span.set('http.request.method', method);
  span.set('http.response.status_code', response.statusCode);
  span.set('heddle.request_id', requestId);
  if (route !== undefined) {
    span.rename(`${method} ${route.path}`);
    span.set('http.route', route.path);
    if (params['mesh'] !== undefined) span.set('heddle.mesh', params['mesh']);
  }
  if (response.statusCode >= SERVER_ERROR) span.fail(undefined);
}
