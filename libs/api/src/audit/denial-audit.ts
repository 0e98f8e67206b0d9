import { type Clock, isDnsLabel, type Log } from '#libs/kernel';
import type { AuditItem, AuditTrail } from '#libs/store';
import { actorOf, type HttpRequest } from '../http.js';
import type { Problem } from '../problem.js';

/** Entries that a caller may cause in a row by what he may not do. */
const BURST = 20;
/** Milliseconds in which he earns one more. */
const REFILL_MS = 3_000;
/** Callers that are remembered; the oldest go first. */
const REMEMBERED = 4_096;
/** Resources that one entry names. */
const MOST_ITEMS = 100;
const READS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Enters refused writes of callers with a token into the audit chain (SEC-63), so many of each: beyond that the log has
 * them, since nobody's refusals must hold up the writes of others (SEC-64). The answer does not wait for it.
 */
export class DenialAudit {
  private readonly budgets = new Map<string, { left: number; at: number }>();

  constructor(
    private readonly options: {
      readonly audit: Pick<AuditTrail, 'denied'>;
      readonly clock: Pick<Clock, 'monotonic'>;
      readonly log: Log;
    },
  ) {}

  note(problem: Problem, request: HttpRequest): void {
    const { method = '', principal, params, url = '', requestId } = request;
    if (READS.has(method) || principal?.type !== 'api' || !this.take(principal.id)) return;
    const { audit, log } = this.options;
    const mesh = params['mesh'] ?? '';
    const what = {
      actor: actorOf(request),
      mesh: isDnsLabel(mesh) ? mesh : '',
      message: `${method} ${url.split('?')[0]?.slice(0, 500)}`,
      items: itemsOf(problem),
      reason: { code: 'forbidden', missing: problem.missing },
    };
    audit.denied(what).catch((error: unknown) => {
      log.error('a refusal could not be audited', { requestId, error: String(error) });
    });
  }

  private take(caller: string): boolean {
    const now = this.options.clock.monotonic();
    const { left: before, at } = this.budgets.get(caller) ?? { left: BURST, at: now };
    const left = Math.min(BURST, before + (now - at) / REFILL_MS);
    this.budgets.delete(caller);
    this.budgets.set(caller, { left: left >= 1 ? left - 1 : left, at: now });
    const [oldest] = this.budgets.keys();
    if (this.budgets.size > REMEMBERED && oldest !== undefined) this.budgets.delete(oldest);
    return left >= 1;
  }
}

/** What it was about, as far as the answer names it. */
function itemsOf({ violations = [], missing }: Problem): AuditItem[] {
  const op = missing?.verb ?? 'write';
  const named = violations.flatMap(({ resource }) => (resource === undefined ? [] : [{ op, ...resource }]));
  if (named.length > 0 || missing?.kind === undefined || missing.name === undefined) return named.slice(0, MOST_ITEMS);
  return [{ op, kind: missing.kind, namespace: missing.namespace ?? '', name: missing.name }];
}
