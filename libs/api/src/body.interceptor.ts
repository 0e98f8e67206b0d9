import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Observable } from 'rxjs';
import { BODY, type BodyRule } from './access.js';
import type { HttpRequest } from './http.js';
import { invalid, ProblemError } from './problem.js';
import { parseStrictJson } from './strict-json.js';

/** Reads the body, after the guard has let the caller in: strangers get no byte of memory. */
export class BodyInterceptor implements NestInterceptor {
  constructor(private readonly reflector = new Reflector()) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const rule = this.reflector.get<BodyRule | undefined>(BODY, context.getHandler());
    const request = context.switchToHttp().getRequest<HttpRequest>();
    // Without a rule there is no body for the handler, whatever was sent.
    request.body = rule === undefined ? undefined : await readJson(request, rule);
    return next.handle();
  }
}

async function readJson(request: HttpRequest, rule: BodyRule): Promise<unknown> {
  requireMediaType(request, rule);
  const parsed = parseStrictJson(await readBytes(request, rule.limit));
  if (!parsed.ok) throw invalid([parsed.error], parsed.error.code);
  return parsed.value;
}

/** Exactly the type, at most with `charset=utf-8`: nothing that another parser could take for something else (SEC-36). */
function requireMediaType(request: HttpRequest, { contentType }: BodyRule): void {
  const given = (request.headers['content-type'] ?? '').toLowerCase();
  const rest = given.startsWith(contentType) ? given.slice(contentType.length) : undefined;
  if (rest === undefined || !/^(; ?charset="?utf-8"?)?$/.test(rest)) {
    throw new ProblemError(415, 'unsupported-media-type', `send the body as "Content-Type: ${contentType}"`, {
      headers: contentType === 'application/json' ? {} : { 'Accept-Patch': contentType },
    });
  }
  // A compressed body could be a bomb, and nobody needs one here (SEC-39).
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') throw new ProblemError(415, 'unsupported-encoding', 'send the body uncompressed');
}

async function readBytes(request: HttpRequest, limit: number): Promise<Uint8Array> {
  const tooLarge = (): ProblemError =>
    new ProblemError(413, 'too-large', `the body may have at most ${limit} bytes: split it into several requests`);
  // Refused by what it announces, before a byte is read; counted all the same, since the announcement may be wrong.
  if (Number(request.headers['content-length'] ?? 0) > limit) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      const bytes = chunk as Uint8Array;
      size += bytes.length;
      if (size > limit) throw tooLarge();
      chunks.push(bytes);
    }
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    throw new ProblemError(400, 'incomplete-body', 'the body ended early', { cause: error });
  }
  return Buffer.concat(chunks);
}
