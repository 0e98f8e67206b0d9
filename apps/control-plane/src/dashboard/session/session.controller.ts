import { Controller, Get, HttpCode, Inject, Post, Req, Res, type Type } from '@nestjs/common';
import { z } from 'zod';
import {
  AccessControl,
  Anonymous,
  API_DEPS,
  type ApiDeps,
  Authenticated,
  FailureLimiter,
  type HttpRequest,
  type HttpResponse,
  JsonBody,
  ProblemError,
  parseBy,
  peerOf,
} from '#libs/api';
import type { Rights } from '#libs/model';
import { homesOf } from './homes.js';
import type { LoginWays, SessionMesh, SessionView } from './session.view.js';
import { requireOwnPage, type Sessions } from './sessions.js';

export interface SessionOptions {
  readonly sessions: Sessions;
  /** How one can log in, as it is now. */
  readonly ways: () => LoginWays;
  /** Where users log out of the identity provider, too. */
  readonly logoutUrl: () => string | undefined;
  /** Whom to ask for rights. */
  readonly contact: string | undefined;
}

const loginBody = z
  .strictObject({
    token: z.string().min(1).max(512).optional().describe('An API token.'),
    link: z.string().min(1).max(2_048).optional().describe('What a link carries instead, good once.'),
  })
  .refine(({ token, link }) => (token === undefined) !== (link === undefined), 'give token or link, one of the two');

const WRITES = ['create', 'update', 'delete'] as const;

/** How a browser gets a session by a token, and what it may do with any. Users come by way of `oidc.controller.ts`. */
export function createSessionController({ sessions, ways, logoutUrl, contact }: SessionOptions): Type<object> {
  @Controller('api/dashboard')
  class SessionController {
    constructor(
      @Inject(API_DEPS) private readonly deps: ApiDeps,
      @Inject(AccessControl) private readonly access: AccessControl,
      @Inject(FailureLimiter) private readonly failures: FailureLimiter,
    ) {}

    /** Asked by who has no session: it holds nothing of the mesh. */
    @Get('login')
    @Anonymous()
    ways(): LoginWays {
      return ways();
    }

    @Post('login')
    @HttpCode(200)
    @Anonymous()
    @JsonBody(4_096)
    async login(@Req() request: HttpRequest, @Res({ passthrough: true }) response: HttpResponse): Promise<object> {
      requireOwnPage(request);
      const { token, link } = parseBy(loginBody, request.body);
      this.failures.check(peerOf(request), '');
      const text = token?.trim() ?? sessions.follow(link ?? '');
      const principal = text?.startsWith('hdl_') ? await this.deps.auth.verifyApiToken(text) : undefined;
      if (text === undefined || principal === undefined) {
        this.failures.failed(peerOf(request), '');
        throw refused(token !== undefined);
      }
      const { cookie } = sessions.open(request, text);
      response.setHeader('Set-Cookie', cookie);
      return { name: principal.name };
    }

    /** 204; or 200 with where to go on, for who is logged in at the identity provider, too. */
    @Post('logout')
    @HttpCode(204)
    @Authenticated()
    logout(
      @Req() request: HttpRequest,
      @Res({ passthrough: true }) response: HttpResponse,
    ): { readonly next: string } | undefined {
      const session = sessions.of(request);
      response.setHeader('Set-Cookie', sessions.close(request));
      const next = session && 'user' in session ? logoutUrl() : undefined;
      if (next === undefined) return undefined;
      response.statusCode = 200;
      return { next };
    }

    /** For who has a token in a terminal: what a browser is to be opened with. */
    @Post('links')
    @HttpCode(201)
    @Authenticated()
    link(@Req() request: HttpRequest): { readonly link: string } {
      const token = /^Bearer (hdl_\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
      if (token === undefined) throw new ProblemError(403, 'forbidden', 'links are made with an API token');
      return { link: sessions.link(token) };
    }

    @Get('session')
    @Authenticated()
    async session(@Req() request: HttpRequest): Promise<SessionView> {
      const { principal } = request;
      const session = sessions.of(request);
      if (principal?.type !== 'api' || session === undefined)
        throw new ProblemError(403, 'forbidden', 'this is for sessions of browsers');
      const { name, subject = 'Token', role, groups, expiresAt } = principal;
      const rights = this.access.rightsOf(principal);
      const known = await this.deps.store.resources.meshes();
      const meshes = known.filter((mesh) => rights.isIn(mesh)).sort();
      return {
        ...{ name, subject, role, groups, csrf: sessions.csrfOf(session), version: this.deps.version },
        ...(subject === 'User' && meshes.length === 0 ? { contact } : {}),
        endsAt: new Date(Math.min(session.until, expiresAt)).toISOString(),
        meshes: meshes.map((mesh) => this.meshView(rights, mesh)),
      };
    }

    private meshView(rights: Rights, mesh: string): SessionMesh {
      const kinds = this.access.kinds.map(({ kind }) => kind);
      return {
        name: mesh,
        homes: homesOf(rights, mesh),
        writes: kinds.filter((kind) => WRITES.some((verb) => rights.touches({ verb, kind, mesh }))),
        mayPlan: WRITES.some((verb) => rights.touches({ verb, mesh })),
      };
    }
  }
  return SessionController;
}

const refused = (byToken: boolean): ProblemError =>
  new ProblemError(
    401,
    'unauthorized',
    byToken
      ? 'the token is unknown, expired or revoked: "heddle token create" makes another'
      : 'the link was used, or is older than a minute: "heddle dashboard" makes another',
  );
