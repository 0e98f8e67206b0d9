/** What the API answers instead of what was asked for (RFC 9457). */
export interface Violation {
  readonly path: string;
  readonly code: string;
  readonly message: string;
  readonly resource?: { readonly kind: string; readonly namespace: string; readonly name: string };
  /** Position of the manifest in the request. */
  readonly document?: number;
}

interface ProblemDocument {
  readonly type?: string;
  readonly title?: string;
  readonly status?: number;
  readonly detail?: string;
  readonly requestId?: string;
  readonly violations?: readonly Violation[];
  readonly missing?: { readonly verb: string; readonly kind?: string; readonly roles: readonly string[] };
}

export class Problem extends Error {
  override readonly name = 'Problem';
  /** The last part of its type: `plan-stale`. */
  readonly code: string;

  constructor(
    readonly status: number,
    readonly document: ProblemDocument,
  ) {
    super(document.detail ?? document.title ?? 'the control plane did not say what is wrong');
    this.code = document.type?.split(':').at(-1) ?? 'unknown';
  }

  get violations(): readonly Violation[] {
    return this.document.violations ?? [];
  }
}

/** Nothing answered at all. */
export const unreachable = (): Problem =>
  new Problem(0, {
    type: 'urn:heddle:problem:unreachable',
    title: 'The control plane does not answer',
    detail:
      'nothing answered at this address: the control plane may be restarting. Proxies keep what they have meanwhile.',
  });

export const problemOf = async (response: Response): Promise<Problem> => {
  const text = await response.text();
  try {
    return new Problem(response.status, JSON.parse(text));
  } catch {
    return new Problem(response.status, { title: response.statusText });
  }
};
