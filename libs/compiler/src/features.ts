/**
 * What an Envoy build can be told, by its version. Features are booleans that select encodings; they never loosen a
 * policy. `base` says no more than that the version is known, so that a proxy of an old build is told apart from one that
 * never connected.
 */
const SINCE: readonly { readonly feature: string; readonly since: readonly [major: number, minor: number] }[] = [
  { feature: 'base', since: [0, 0] },
  /** Scoped routes on a listener that is added after start-up: never subscribed by earlier builds (ENV-6). */
  { feature: 'srds', since: [1, 38] },
];

/** Every feature: what an instance gets that has not connected yet. */
export const NEWEST_FEATURES: readonly string[] = SINCE.map((row) => row.feature);

/**
 * Features of an Envoy version such as `1.40.0` or `1.38.0-dev`. A version that cannot be read has `base` alone: the
 * encodings that every build understands.
 */
export function featuresOf(envoyVersion: string): readonly string[] {
  const [, major = '0', minor = '0'] = /^(\d+)\.(\d+)/.exec(envoyVersion) ?? [];
  const version = Number(major) * 1000 + Number(minor);
  return SINCE.filter(({ since }) => version >= since[0] * 1000 + since[1]).map((row) => row.feature);
}
