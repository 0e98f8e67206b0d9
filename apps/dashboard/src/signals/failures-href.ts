/** What stands for who has no identity, and for no route: to say nothing would be to ask for all. */
export const NONE = '-';

export interface FailuresOf {
  /** `<namespace>/<name>` */
  readonly callee: string;
  /** `<namespace>/<name>`; '' = who has no identity. */
  readonly caller?: string | undefined;
  /** `<kind>/<namespace>/<name>/<rule>`; '' = none. */
  readonly route?: string | undefined;
  readonly outcome?: string | undefined;
}

/** Of the page about single failures. */
export function failuresHref(of: FailuresOf, { search }: { readonly search: string }): string {
  const { callee, caller, route, outcome } = of;
  const asked = Object.entries({ callee, caller, route, outcome }).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(value || NONE).replaceAll('%2F', '/')}`],
  );
  return `/failures?${[...asked, search].join('&')}`;
}
