import {
  AuthorizationResponseError,
  ClientError,
  ResponseBodyError,
  WWWAuthenticateChallengeError,
} from 'openid-client';
import { z } from 'zod';
import type { RefusalCode } from '../session/session.view.js';
import { ProviderUnreachable } from './provider-fetch.js';
import { LoginRefused } from './refusal.js';

/** Answers of the provider that mean: this person is not let in. */
const DENIALS: readonly string[] = ['access_denied', 'login_required', 'interaction_required', 'consent_required'];
const DEEPEST = 5;

/** What libraries tell of a claim that does not fit: its name, never its value. */
const claimSchema = z.object({ claim: z.string().max(40) });
const statusSchema = z.object({ status: z.int() });

function* causes(error: unknown): Iterable<unknown> {
  let each = error;
  for (let depth = 0; each !== undefined && depth < DEEPEST; depth += 1) {
    yield each;
    each = each instanceof Error ? each.cause : undefined;
  }
}

/** Why it went wrong, in words without anything secret: the answers of providers hold tokens. */
export function reasonOf(error: unknown): string {
  const chain = [...causes(error)];
  const unreachable = chain.find((each) => each instanceof ProviderUnreachable);
  if (unreachable instanceof Error) return unreachable.message;
  if (error instanceof ResponseBodyError || error instanceof AuthorizationResponseError)
    return `it answered with the error ${printable(error.error)}`;
  if (!(error instanceof Error)) return 'for an unknown reason';
  const detail = chain.map((each) => claimSchema.safeParse(each).data?.claim).find((claim) => claim !== undefined);
  const status = chain.map((each) => statusSchema.safeParse(each).data?.status).find((one) => one !== undefined);
  const inner = error.cause instanceof Error && error.cause.message !== error.message ? `: ${error.cause.message}` : '';
  return [
    printable(`${error.message}${inner}`),
    ...(detail === undefined ? [] : [`(claim ${printable(detail)})`]),
    ...(status === undefined ? [] : [`(status ${status})`]),
  ].join(' ');
}

/** What a failed exchange with the provider means for who wanted to log in. */
export function refusalOf(error: unknown): LoginRefused {
  if (error instanceof LoginRefused) return error;
  return new LoginRefused(codeOf(error), reasonOf(error), { cause: error });
}

function codeOf(error: unknown): RefusalCode {
  if (error instanceof AuthorizationResponseError) return DENIALS.includes(error.error) ? 'denied' : 'provider';
  if (error instanceof WWWAuthenticateChallengeError) return 'client';
  if (error instanceof ResponseBodyError) {
    if (error.error === 'invalid_client' || error.error === 'unauthorized_client') return 'client';
    // The code was used, is too old, or was not given to this browser.
    return error.error === 'invalid_grant' ? 'stale' : 'provider';
  }
  const isAway = error instanceof ClientError && (error.code === 'OAUTH_TIMEOUT' || error.code === 'OAUTH_ABORT');
  return isAway || [...causes(error)].some((each) => each instanceof ProviderUnreachable) ? 'unreachable' : 'provider';
}

const printable = (text: string): string => text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 300);
