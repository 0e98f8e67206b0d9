import { SetMetadata } from '@nestjs/common';
import type { Verb } from '#libs/model';

/** Who may call a handler. */
export type AccessRule =
  /** Anybody: answers carry no data. */
  | { readonly type: 'anonymous' }
  /** Every API token: answers are about itself, or hold what it may see and nothing else. */
  | { readonly type: 'authenticated' }
  /**
   * Callers who hold any of the verbs on the kind, where the address says. Undefined kind = on any: the handler asks for
   * each resource. `proxies`: also a proxy by its own token; the handler compares what it is about with what that grants.
   */
  | {
      readonly type: 'permission';
      readonly verbs: readonly Verb[];
      readonly kind: string | undefined;
      readonly proxies: boolean;
    }
  /** Callers who hold the verb on the kind for the server or for a mesh as a whole: the address names none. */
  | { readonly type: 'anywhere'; readonly verb: Verb; readonly kind: string }
  /** Proxies by their own token only. */
  | { readonly type: 'proxy' };

export const ACCESS = Symbol('heddle.api.access');

const rule = (access: AccessRule): MethodDecorator => SetMetadata(ACCESS, access);
const permission = (verbs: Verb | readonly Verb[], kind: string | undefined, proxies = false): MethodDecorator =>
  rule({ type: 'permission', verbs: typeof verbs === 'string' ? [verbs] : verbs, kind, proxies });

/**
 * Every handler states who may call it; without, boot fails (SEC-33). The mesh, namespace and name are those of the
 * address (`:mesh`, `:namespace`, `:name`). Whether the labels of the object permit it, only the handler can tell.
 */
export const Access = (verbs: Verb | readonly Verb[], kind: string): MethodDecorator => permission(verbs, kind);
/** For handlers about resources of several kinds: they must ask `AccessControl` for each. */
export const AccessEach = (...verbs: readonly Verb[]): MethodDecorator => permission(verbs, undefined);
export const AccessOrProxy = (verbs: Verb | readonly Verb[], kind: string): MethodDecorator =>
  permission(verbs, kind, true);
export const AccessAnywhere = (verb: Verb, kind: string): MethodDecorator => rule({ type: 'anywhere', verb, kind });
export const Authenticated = (): MethodDecorator => rule({ type: 'authenticated' });
export const ProxyAccess = (): MethodDecorator => rule({ type: 'proxy' });
export const Anonymous = (): MethodDecorator => rule({ type: 'anonymous' });

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
