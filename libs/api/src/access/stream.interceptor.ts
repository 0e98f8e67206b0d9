import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { SSE_METADATA } from '@nestjs/common/constants.js';
import { Reflector } from '@nestjs/core';
import { Observable } from 'rxjs';
import type { Clock } from '#libs/kernel';
import type { AccessGuard } from '../access.guard.js';
import { ProblemError } from '../problem.js';
import type { RolePolicies } from './role-policies.js';

/** Milliseconds between two looks at the token of an open stream; a change of roles is looked at when the feed brings it. */
export const STREAM_RECHECK_MS = 2_000;

/**
 * Ends a stream of server-sent events when its caller may no longer have it: his token was revoked or has ended, or a
 * role was taken away. The last event is `forbidden`, with the problem as its data; clients must not simply reconnect.
 */
export class StreamInterceptor implements NestInterceptor {
  constructor(
    private readonly guard: AccessGuard,
    private readonly policies: RolePolicies,
    private readonly clock: Clock,
    private readonly reflector = new Reflector(),
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const isStream = this.reflector.get<boolean | undefined>(SSE_METADATA, context.getHandler()) === true;
    return isStream ? this.guarded(context, next.handle()) : next.handle();
  }

  private guarded(context: ExecutionContext, source: Observable<unknown>): Observable<unknown> {
    return new Observable((subscriber) => {
      // Not the subscriber itself: RxJS would hand it back, and to leave the source would close it without a word.
      const events = source.subscribe({
        next: (event) => subscriber.next(event),
        error: (error: unknown) => subscriber.error(error),
        complete: () => subscriber.complete(),
      });
      const look = (): void => {
        this.guard.recheck(context).catch((error: unknown) => {
          // A database that is away for a moment ends no stream: it is asked again, and brings no news meanwhile.
          if (!(error instanceof ProblemError)) return;
          events.unsubscribe();
          subscriber.next({ type: 'forbidden', data: error.problem });
          subscriber.complete();
        });
      };
      const stopListening = this.policies.onChange(look);
      const stopAsking = this.clock.every(STREAM_RECHECK_MS, look);
      return () => {
        stopListening();
        stopAsking();
        events.unsubscribe();
      };
    });
  }
}
