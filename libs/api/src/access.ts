import { SetMetadata } from '@nestjs/common';
import type { Role } from './auth.ports.js';

/** Who may call a handler. */
export type AccessRule =
  /** Anybody: answers carry no data. */
  | { readonly type: 'anonymous' }
  /** Holders of an API token of this role or a higher one. */
  | { readonly type: 'role'; readonly role: Role }
  /** The same, and proxies by their own token; the handler compares what it is about with what the token grants. */
  | { readonly type: 'role-or-proxy'; readonly role: Role }
  /** Proxies by their own token only. */
  | { readonly type: 'proxy' };

export const ACCESS = Symbol('heddle.api.access');

/** Every handler states who may call it; without, boot fails (SEC-33). */
export const Access = (role: Role): MethodDecorator => SetMetadata(ACCESS, { type: 'role', role } satisfies AccessRule);
export const AccessOrProxy = (role: Role): MethodDecorator =>
  SetMetadata(ACCESS, { type: 'role-or-proxy', role } satisfies AccessRule);
export const ProxyAccess = (): MethodDecorator => SetMetadata(ACCESS, { type: 'proxy' } satisfies AccessRule);
export const Anonymous = (): MethodDecorator => SetMetadata(ACCESS, { type: 'anonymous' } satisfies AccessRule);

/** What a handler's request body must be. Without, its body is not read. */
export interface BodyRule {
  readonly contentType: 'application/json' | 'application/merge-patch+json';
  /** Bytes; more is 413. */
  readonly limit: number;
}

export const BODY = Symbol('heddle.api.body');

const MIB = 1024 * 1024;

/** The handler takes a JSON body: 1 MiB unless told otherwise (SEC-39). */
export const JsonBody = (limit = MIB): MethodDecorator =>
  SetMetadata(BODY, { contentType: 'application/json', limit } satisfies BodyRule);
export const MergePatchBody = (): MethodDecorator =>
  SetMetadata(BODY, { contentType: 'application/merge-patch+json', limit: MIB } satisfies BodyRule);

/** Limit of a request that carries many manifests. */
export const APPLY_LIMIT = 5 * MIB;
