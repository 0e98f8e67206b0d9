import type { Page, Signals, StoredFailure } from '#libs/store';
import type { FailureView } from './answers.js';
import { instanceOf, serviceOf, workloadOf } from './names.js';
import { OTHERS, type Sight } from './sight.js';

export interface FailureSearch {
  readonly mesh: string;
  readonly sight: Sight;
  /** 1 to 500. */
  readonly limit: number;
  readonly cursor?: string | undefined;
  /** `<namespace>/<service>` or `<namespace>` of what was asked. */
  readonly callee?: string | undefined;
  /** `<namespace>/<workload>`; '' = who has no identity. */
  readonly caller?: string | undefined;
  readonly instance?: string | undefined;
  /** '' = by none. */
  readonly route?: string | undefined;
  readonly outcome?: string | undefined;
  readonly requestId?: string | undefined;
  /** HTTP status; 0 = none came. */
  readonly status?: number | undefined;
  /** One of Envoy's response flags. */
  readonly flag?: string | undefined;
  /** Text that its path holds. */
  readonly path?: string | undefined;
}

/** Pages that are looked through for what the reader may see, before he is told to come again. */
const MOST_PAGES = 5;
/** The same where most are not wanted. */
const MOST_PAGES_NARROW = 20;

/** What the reader may see of a failure: one end of it at least, and of the other end no name. */
function visible(failure: StoredFailure, sight: Sight): FailureView | undefined {
  const { at, callee, caller, ...rest } = failure;
  const [service, workload] = [serviceOf(callee), workloadOf(caller)];
  const seesCallee = sight.service(service.namespace, service.name);
  const seesCaller = caller === '' ? seesCallee : sight.workload(workload.namespace, workload.name);
  if (!seesCallee && !seesCaller) return undefined;
  return {
    ...rest,
    at: new Date(at).toISOString(),
    ...(seesCallee ? { callee } : { callee: OTHERS, instance: '', route: '', subset: '', details: '' }),
    ...(seesCaller ? { caller } : { caller: OTHERS, callerInstance: '' }),
  };
}

/** Whether a reader may see what he asks for by its name. */
function seesAsked({ sight, callee, caller, instance }: FailureSearch): boolean {
  const service = callee?.includes('/') ? workloadOf(callee) : undefined;
  const workload = caller ? workloadOf(caller) : undefined;
  const at = instance === undefined ? undefined : instanceOf(instance);
  return (
    (!service || sight.service(service.namespace, service.name)) &&
    (!workload || sight.workload(workload.namespace, workload.name)) &&
    (!at || sight.instance(at.namespace, at.name))
  );
}

/** By what a reader may not see he finds nothing: not even whether there is something. */
function mayAsk({ callee, caller, instance, route }: FailureSearch, failure: FailureView): boolean {
  const asksForCallee = callee !== undefined || (instance ?? route) !== undefined;
  if (asksForCallee && failure.callee === OTHERS) return false;
  return caller === undefined || failure.caller !== OTHERS;
}

/** What the store has no index for: looked at row by row, a few pages at a time. */
function isWanted({ status, flag, path }: FailureSearch, failure: StoredFailure): boolean {
  return (
    (status === undefined || failure.status === status) &&
    (flag === undefined || failure.flags.split(',').includes(flag)) &&
    (path === undefined || failure.path.includes(path))
  );
}

export async function searchFailures(
  signals: Pick<Signals, 'failures'>,
  search: FailureSearch & { readonly from: number; readonly to: number },
): Promise<{ readonly items: readonly FailureView[]; readonly cursor?: string }> {
  const { sight, callee, limit, status, flag, path, ...rest } = search;
  const pages = (status ?? flag ?? path) === undefined ? MOST_PAGES : MOST_PAGES_NARROW;
  if (!seesAsked(search)) return { items: [] };
  const items: FailureView[] = [];
  let { cursor } = search;
  for (let page = 0; page < pages; page += 1) {
    const found: Page<StoredFailure> = await signals.failures({
      ...rest,
      ...{ cursor, limit: limit - items.length, callee: callee === undefined ? undefined : `${callee}/` },
    });
    const seen = found.items
      .filter((failure) => isWanted(search, failure))
      .flatMap((failure) => visible(failure, sight) ?? []);
    items.push(...seen.filter((failure) => mayAsk(search, failure)));
    cursor = found.cursor;
    if (cursor === undefined || items.length >= limit) break;
  }
  return { items, ...(cursor === undefined ? {} : { cursor }) };
}
