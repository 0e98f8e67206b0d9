/** Refusals of questions, in words that say what there is. */
import type { EnvoyResource, ExplainRefusal, ProxyName } from '#libs/changes';
import type { Result } from '#libs/kernel';
import { printId } from '#libs/model';
import { notFound, ProblemError } from '../problem.js';
import { type MaySee, proxySeen } from './visible.js';

/** What was asked about. */
export interface Asked {
  readonly namespace: string;
  readonly name: string;
  readonly kind?: string;
  readonly type?: string | undefined;
  readonly resource?: string | undefined;
}

/** @throws ProblemError that says what there is */
export function explainedOr<T>(result: Result<T, ExplainRefusal>, asked: Asked, may: MaySee): T {
  if (result.ok) return result.value;
  const refusal = result.error;
  switch (refusal.code) {
    case 'not-compiled':
      throw notCompiled();
    case 'unknown-proxy':
      throw noProxy(
        asked,
        refusal.proxies.filter((proxy) => may(proxySeen(proxy))),
      );
    case 'unknown-resource':
      throw noResource(
        asked,
        refusal.resources.filter(({ about }) => may(about)),
      );
    case 'unknown-policy':
      throw noPolicy({ kind: '', ...asked });
  }
}

export const notCompiled = (): ProblemError =>
  new ProblemError(503, 'not-compiled', 'this replica has not compiled the mesh (yet): ask again', {
    headers: { 'Retry-After': '2' },
  });

/** What one may not see is not there. */
export function requireVisible(proxy: ProxyName, asked: Asked, may: MaySee): void {
  if (!may(proxySeen(proxy))) throw noProxy(asked, []);
}

const MOST_NAMED = 20;

/** `: there are a, b and 14 more` */
function named(names: readonly string[]): string {
  if (names.length === 0) return '';
  const more = names.length - MOST_NAMED;
  return `: there are ${names.slice(0, MOST_NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** Those of the namespace, else of all. */
export function noProxy({ namespace, name }: Asked, proxies: readonly ProxyName[]): ProblemError {
  const own = proxies.filter((proxy) => proxy.namespace === namespace);
  const names = (own.length > 0 ? own : proxies).map((proxy) => `${proxy.namespace}/${proxy.instance}`);
  return notFound(`no proxy ${namespace}/${name} is registered${named(names)}`);
}

export function noResource(
  { namespace, name, type = '', resource = '' }: Asked,
  all: readonly EnvoyResource[],
): ProblemError {
  const names = all.filter((one) => one.type === type).map((one) => one.name);
  return notFound(`proxy ${namespace}/${name} has no ${type} ${resource}${named(names)}`);
}

export const noPolicy = (id: {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}): ProblemError => notFound(`there is no policy ${printId(id)}`);
