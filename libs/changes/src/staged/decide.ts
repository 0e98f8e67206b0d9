/** What becomes of a staged change next: a function of the change and of what replicas have seen. */
import type { StagedChange } from '#libs/store';
import { type Evidence, type HostEvidence, type Sum, sumOf } from './evidence.js';
import { riseAt } from './rise.js';

export type Decision =
  /** `why` is for people. */
  | { readonly do: 'wait'; readonly why: string }
  | { readonly do: 'open' }
  | { readonly do: 'widen'; readonly wave: number }
  | { readonly do: 'promote' }
  | { readonly do: 'finish'; readonly reason: string }
  | { readonly do: 'hold'; readonly reason: string }
  | { readonly do: 'revert'; readonly reason: string };

export interface Circumstances {
  /** Another change of the mesh is open. */
  readonly openBefore: string | undefined;
  /** Replicas that must have been heard. */
  readonly replicas: readonly string[];
  /** Fresh ones about the newest step, by replica. */
  readonly evidence: ReadonlyMap<string, Evidence>;
  /** Never taken back by itself: it tightens security. */
  readonly isTightening: boolean;
}

/** So many hosts must agree before anything is taken back: one broken or hostile proxy has no veto. */
const LEAST_HOSTS = 2;

type Kind = StagedChange['options']['revertOn'][number];

export function decide(change: StagedChange, around: Circumstances): Decision {
  switch (change.state) {
    case 'queued':
      return around.openBefore ? wait(`${around.openBefore} is open`) : { do: 'open' };
    case 'canary':
      return ofCanary(change, around);
    case 'watched':
      return ofWatched(change, around);
    default:
      return wait(change.reason);
  }
}

const UNHEARD = 'not every replica serves it yet';
const watchedText = ({ observeMs }: StagedChange['options'], { settledMs }: Sum): string =>
  `observed for another ${Math.ceil((observeMs - settledMs) / 1_000)} s`;
const wait = (why: string): Decision => ({ do: 'wait', why });

function ofCanary(change: StagedChange, around: Circumstances): Decision {
  const { options, wave, stepAgeMs } = change;
  const sum = heard(around);
  const isLate = stepAgeMs > options.ackMs;
  if (!sum) return isLate ? hold('a replica has not served it yet') : wait(UNHEARD);
  const bad = verdict(change, around, sum);
  if (bad) return bad;
  if (sum.given === 0)
    return isLate ? hold('none of its proxies is connected') : wait('none of its proxies is connected');
  const behind = excused(sum);
  if (behind.length > 0) return isLate ? hold(behindText(behind)) : wait(behindText(behind));
  if (sum.settledMs < options.observeMs) return wait(watchedText(options, sum));
  return wave + 1 < options.waves.length ? { do: 'widen', wave: wave + 1 } : { do: 'promote' };
}

function ofWatched(change: StagedChange, around: Circumstances): Decision {
  const { options, confirmLeftMs } = change;
  if (confirmLeftMs !== undefined && confirmLeftMs <= 0)
    return { do: 'revert', reason: `nobody confirmed it within ${Math.round(options.confirmMs / 1_000)} s` };
  const sum = heard(around);
  const bad = sum && verdict(change, around, sum);
  if (bad?.do === 'revert') return bad;
  if (confirmLeftMs !== undefined) return wait(`to be confirmed within ${Math.ceil(confirmLeftMs / 1_000)} s`);
  return ending(change, sum, bad);
}

/** Everybody has it, so there is nothing to hold: what would be a reason to is said at the end. */
function ending({ options, stepAgeMs }: StagedChange, sum: Sum | undefined, bad: Decision | undefined): Decision {
  const behind = sum ? excused(sum) : [];
  const isLate = stepAgeMs > Math.max(options.ackMs, options.observeMs);
  const isDone = sum !== undefined && behind.length === 0 && sum.settledMs >= options.observeMs;
  if (!isDone && !isLate) return wait(sum ? behindText(behind) || watchedText(options, sum) : UNHEARD);
  return { do: 'finish', reason: bad?.do === 'hold' ? bad.reason : behindText(behind) };
}

/** Everything that was seen, once every replica was heard. */
function heard({ replicas, evidence }: Circumstances): Sum | undefined {
  const known = replicas.flatMap((replica) => evidence.get(replica) ?? []);
  return known.length === replicas.length && known.length > 0 && known.every(({ published }) => published)
    ? sumOf(known)
    : undefined;
}

/** Who is waited for: not a proxy that refused it, which has said all that it will say. */
function excused({ behind, hosts }: Sum): readonly string[] {
  const refused = new Set([...hosts.values()].flatMap((host) => host.refused.map(({ proxy }) => proxy)));
  return behind.filter((proxy) => !refused.has(proxy));
}

const behindText = (behind: readonly string[]): string =>
  behind.length === 0
    ? ''
    : `${behind.length === 1 ? 'one proxy is' : `${behind.length} proxies are`} behind: ${behind.slice(0, 5).join(', ')}${behind.length > 5 ? ', ...' : ''}`;

const hold = (reason: string): Decision => ({ do: 'hold', reason });

interface Found {
  readonly kind: Kind;
  readonly hosts: readonly string[];
  readonly proxies: number;
  readonly words: string;
}

/** Whether what was seen speaks against the change. */
function verdict({ options, state }: StagedChange, { isTightening }: Circumstances, sum: Sum): Decision | undefined {
  for (const found of findings(sum)) {
    const isMuch = (found.proxies * 100) / Math.max(1, sum.given) > options.tolerated;
    if (!isMuch) continue;
    const isShared = found.hosts.length >= LEAST_HOSTS;
    const mayRevert = options.revertOn.includes(found.kind) && !isTightening;
    if (isShared && mayRevert) return { do: 'revert', reason: found.words };
    // Nobody can agree with the only host there is.
    if (isShared || (sum.hosts.size === 1 && state === 'canary')) return hold(found.words);
  }
  return undefined;
}

function findings({ hosts, others }: Sum): readonly Found[] {
  const found = (kind: Kind, count: (host: HostEvidence) => number, say: (where: string[]) => string): Found[] => {
    const where = [...hosts].filter(([, host]) => count(host) > 0);
    if (where.length === 0) return [];
    const proxies = where.reduce((sum, [, host]) => sum + count(host), 0);
    const names = where.map(([host]) => host).sort();
    return [{ kind, hosts: names, proxies, words: say(names) }];
  };
  const first = <T>(pick: (host: HostEvidence) => T | undefined): T | undefined =>
    [...hosts.values()].map(pick).find((one) => one !== undefined);
  const refused = first((host) => host.refused[0]);
  const rise = first((host) => riseAt(host, { others }));
  return [
    ...found(
      'nack',
      (host) => new Set(host.refused.map(({ proxy }) => proxy)).size,
      (where) => `refused on ${where.join(', ')}: ${refused?.type} ${refused?.name}: ${refused?.message}`,
    ),
    ...found(
      'disconnect',
      (host) => new Set(host.disconnected).size,
      (where) => `proxies on ${where.join(', ')} died within 10 s of being given it`,
    ),
    ...found(
      'failures',
      (host) => (riseAt(host, { others }) ? host.given : 0),
      (where) => `failures rose on ${where.join(', ')}: ${rise}`,
    ),
  ];
}
