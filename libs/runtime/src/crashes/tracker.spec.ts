import { describe, expect, it } from 'vitest';
import { TYPE } from '#libs/envoy-api';
import type { Closing, RecentContent, Resource } from '#libs/xds';
import { CrashTracker, type Verdict } from './tracker.js';

const resource = (
  name: string,
  mark: number,
  type: string = TYPE.cluster,
  requires: readonly string[] = [],
): Resource => ({
  key: `${type} ${name}`,
  version: `${name}@${mark}`,
  ...{ type, name, bytes: new Uint8Array() },
  requires: requires.map((cluster) => ({ type: TYPE.cluster, name: cluster })),
});
const sent = (content: Resource, before?: Resource, change = 7): RecentContent => ({ content, before, change });
const MINUTE = 60_000;

/** One proxy's life, minute by minute. */
class Life {
  readonly tracker = new CrashTracker();
  now = 0;

  ends(
    recent: readonly RecentContent[],
    held: readonly Resource[],
    more: { by?: Closing['by']; alive?: boolean } = {},
  ): this {
    const { by = 'client', alive = false } = more;
    this.now += MINUTE;
    this.tracker.ended('n', { by, recent: () => recent, held: () => held }, { alive, now: this.now });
    return this;
  }

  back(resumed = false): Verdict {
    this.now += 1_000;
    return this.tracker.began('n', resumed, this.now);
  }
}

const names = ({ blamed }: Verdict): readonly string[] => blamed.map(({ content }) => content.version);
const [old, bad] = [resource('x', 1), resource('x', 2)];
const others = [resource('a', 1), resource('b', 1)];
/** What follows when it starts empty: all that there is, at once. */
const whole = [...others, bad].map((one) => sent(one, undefined, 9));

describe('REL-26 what a proxy dies of', () => {
  const onceDead = (): Life => {
    const life = new Life().ends([sent(bad, old)], [...others, old]);
    expect(names(life.back())).toEqual([]);
    return life;
  };

  it('is what was new to it at both deaths, with what it lived with before, and the change that brought it', () => {
    const verdict = onceDead().ends(whole, []).back();
    expect(verdict.blamed).toEqual([{ content: bad, before: old, change: 7 }]);
  });

  it('is nothing new when it names what it holds: then it has not died', () => {
    const life = new Life();
    for (let i = 0; i < 5; i += 1) expect(names(life.ends([sent(bad, old)], [...others, old]).back(true))).toEqual([]);
    expect(names(onceDead().ends(whole, []).back(true))).toEqual([]);
  });

  it('is not what a stream held that we ended, or that was one of two', () => {
    for (const more of [{ by: 'server' as const }, { alive: true }])
      expect(names(onceDead().ends(whole, [], more).back())).toEqual([]);
  });

  it('is not known of a proxy that has never run anything for longer', () => {
    const life = new Life();
    const endpoints = resource('a', 1, TYPE.endpoint);
    const [all, held] = [
      [...whole, sent(endpoints)],
      [...others, bad, endpoints],
    ];
    for (let i = 0; i < 5; i += 1) expect(names(life.ends(all, held).back())).toEqual([]);
  });

  it('is not what it ran for longer in between', () => {
    const life = onceDead().ends([], [...others, bad]);
    life.back();
    expect(names(life.ends([sent(bad, old)], others).back())).toEqual([]);
  });

  it('is not what came an hour after, or of which it came back too late', () => {
    const life = onceDead();
    life.now += 61 * MINUTE;
    expect(names(life.ends(whole, []).back())).toEqual([]);
    const late = onceDead().ends(whole, []);
    late.now += 11 * MINUTE;
    expect(names(late.back())).toEqual([]);
  });

  it('is everything that a change brought, since it cannot be told apart; endpoints are not configuration', () => {
    const [y, endpoints] = [resource('y', 2), resource('x', 5, TYPE.endpoint)];
    const news = [sent(bad, old), sent(y), sent(endpoints)];
    const life = new Life().ends(news, [...others, old]);
    life.back();
    expect(names(life.ends([...whole, ...news.slice(1)], []).back()).toSorted()).toEqual(['x@2', 'y@2']);
  });

  it('comes with the clusters that the content before needs, and their endpoints', () => {
    const route = (mark: number, cluster: string) => resource('r', mark, TYPE.route, [cluster]);
    const needed = [resource('gone', 1), resource('gone', 1, TYPE.endpoint)];
    const life = new Life().ends([sent(route(2, 'a'), route(1, 'gone'))], [...others, ...needed, route(1, 'gone')]);
    life.back();
    const verdict = life.ends([...others.map((one) => sent(one)), sent(route(2, 'a'))], []).back();
    expect([names(verdict), verdict.needed]).toEqual([['r@2'], needed]);
  });
});
