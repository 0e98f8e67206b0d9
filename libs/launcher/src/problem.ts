/** RFC 9457 problem details, as the control plane answers them. */
export interface ProblemDetails {
  readonly type?: string;
  readonly title?: string;
  readonly detail?: string;
  readonly violations?: readonly { readonly path?: string; readonly message?: string }[];
}

/** What a problem says beside its violations; `undefined` when its detail only repeats the first of them. */
export function summaryOf({ title, detail, violations = [] }: ProblemDetails): string | undefined {
  const [first] = violations;
  const said = detail?.replace(/ \(and \d+ more\)$/, '');
  const repeated = first !== undefined && (said === first.message || said === `${first.path || '/'}: ${first.message}`);
  return repeated ? undefined : (detail ?? title);
}
