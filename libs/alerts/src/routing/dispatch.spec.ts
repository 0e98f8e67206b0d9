import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AlertReceiver } from '#libs/model';
import type { AlertGroupRow, AlertRow, SilenceRow } from '#libs/store';
import { receiver } from '../testing/examples.js';
import { dispatch } from './dispatch.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

const alert = (
  name: string,
  state: AlertRow['state'] = 'firing',
  more: Readonly<Record<string, string>> = {},
): AlertRow => ({
  ...{ mesh: 'default', fingerprint: name, rule: { kind: 'AlertRule', namespace: 'shop', name }, state },
  ...{ labels: { alertname: name.replace(/\d+$/, ''), namespace: 'shop', severity: 'critical', ...more } },
  ...{
    pendingAt: 1,
    firingAt: 1,
    resolvedAt: 0,
    seenAt: 1,
    heldMs: 0,
    overMs: -1,
    unknownMs: 0,
    value: 1,
    threshold: 0,
  },
  ...{ unit: 'proxies', sentence: name, description: '', runbook: '', ending: '' },
});

const silence = (matchers: readonly string[], more: Partial<SilenceRow> = {}): SilenceRow => ({
  ...{
    id: 1,
    mesh: 'default',
    namespace: '',
    matchers,
    author: 'a',
    reason: 'r',
    startsAt: '',
    endsAt: '',
    endedBy: '',
    active: true,
  },
  ...more,
});

/** A receiver with what it was told so far. */
class Desk {
  groups: readonly AlertGroupRow[] = [];
  queued: readonly AlertGroupRow[] = [];
  silences: readonly SilenceRow[] = [];
  awaited: ReadonlySet<string> = new Set();
  now = 1_000_000;

  constructor(readonly receivers: readonly AlertReceiver[]) {}

  /** @returns `<receiver>: <alerts>`; an alert that has ended with a minus */
  look(alerts: readonly AlertRow[], passedMs = 10 * SECOND): string[] {
    this.now += passedMs;
    const { groups, queued, receivers, silences, now } = this;
    const done = dispatch({ alerts, receivers, silences, groups, queued, now });
    const gone = new Set(
      [...done.removedGroups, ...done.groups].map(({ receiver: r, groupKey }) => `${r} ${groupKey}`),
    );
    this.groups = [...groups.filter((one) => !gone.has(`${one.receiver} ${one.groupKey}`)), ...done.groups];
    this.awaited = done.awaited;
    return done.notifications.map((one) => {
      const list = one.alerts.map(({ state, fingerprint }) => (state === 'resolved' ? `-${fingerprint}` : fingerprint));
      return `${one.receiver.name}: ${list.join(' ')}`;
    });
  }
}

const URL = 'webhook: {url: "https://a.example.com"}';
const eager = receiver('eager', `{${URL}, groupWait: 0s, groupInterval: 1m, repeatInterval: 1h}`);

describe('who is told what', () => {
  it('waits for further alerts, then tells all of the group at once, and of each group by itself', () => {
    const desk = new Desk([receiver('mail', `{${URL}}`)]);
    expect(desk.look([alert('a1')])).toEqual([]);
    expect(desk.look([alert('a1'), alert('a2'), alert('b1')])).toEqual([]);
    expect(desk.look([alert('a1'), alert('a2'), alert('b1')], 20 * SECOND)).toEqual(['mail: a1 a2']);
    expect(desk.look([alert('a1'), alert('a2'), alert('b1')])).toEqual(['mail: b1']);
  });

  it('tells nothing twice within the interval of repetition, news within that of the group, and the end once', () => {
    const desk = new Desk([eager]);
    expect(desk.look([alert('a1')])).toEqual(['eager: a1']);
    expect(desk.look([alert('a1')], 10 * MINUTE)).toEqual([]);
    expect(desk.look([alert('a1'), alert('a2')])).toEqual(['eager: a1 a2']);
    expect(desk.look([alert('a1', 'resolved'), alert('a2')])).toEqual([]);
    expect([...desk.awaited]).toEqual(['a1', 'a2']);
    expect(desk.look([alert('a1', 'resolved'), alert('a2')], MINUTE)).toEqual(['eager: a2 -a1']);
    expect(desk.look([alert('a1', 'resolved'), alert('a2')], HOUR)).toEqual(['eager: a2']);
    expect(desk.look([alert('a2', 'resolved')], HOUR)).toEqual(['eager: -a2']);
    expect([desk.groups, desk.awaited.size]).toEqual([[], 0]);
  });

  it('an alert that comes back is news', () => {
    const desk = new Desk([eager]);
    desk.look([alert('a1')]);
    expect(desk.look([{ ...alert('a1'), firingAt: 2 }], MINUTE)).toEqual(['eager: a1']);
  });

  it('one that ended before anybody was told concerns nobody', () => {
    const desk = new Desk([receiver('mail', `{${URL}}`)]);
    desk.look([alert('a1')]);
    expect(desk.look([alert('a1', 'resolved')], MINUTE)).toEqual([]);
    expect(desk.groups).toEqual([]);
  });

  it('does not tell of ends where that is not wanted, and remembers none', () => {
    const desk = new Desk([receiver('short', `{${URL}, groupWait: 0s, groupInterval: 1s, sendResolved: false}`)]);
    expect(desk.look([alert('a1')])).toEqual(['short: a1']);
    expect(desk.look([alert('a1', 'resolved')])).toEqual([]);
    expect(desk.groups).toEqual([]);
  });

  it('while a notification waits to be sent the group waits, and is told everything afterwards', () => {
    const desk = new Desk([eager]);
    desk.look([alert('a1')]);
    desk.queued = desk.groups;
    expect(desk.look([alert('a1', 'resolved'), alert('a2')], HOUR)).toEqual([]);
    desk.queued = [];
    expect(desk.look([alert('a1', 'resolved'), alert('a2')])).toEqual(['eager: a2 -a1']);
  });

  it('pending alerts concern nobody', () => {
    expect(new Desk([eager]).look([alert('a1', 'pending')])).toEqual([]);
  });

  it.each([
    ['those of its namespace', '', 'shop', ['a1', 'c1']],
    ['those of another', '', 'bank', ['b1']],
    ['all of the mesh', 'scope: Mesh, ', 'bank', ['a1', 'b1', 'c1', 'd1']],
    ['by labels', `matchers: ['severity="critical"'], `, 'shop', ['a1']],
    ['by expressions', `scope: Mesh, matchers: ['alertname=~"a|d"'], `, 'shop', ['a1', 'd1']],
    ['by what they do not have', `scope: Mesh, matchers: ['namespace!="shop"', 'namespace!~"b.*"'], `, 'shop', ['d1']],
  ])('%s', (_, spec, namespace, told) => {
    const { namespace: _n, ...whole } = alert('d1').labels;
    const alerts = [
      alert('a1'),
      alert('b1', 'firing', { namespace: 'bank' }),
      alert('c1', 'firing', { severity: 'warning' }),
      { ...alert('d1'), labels: whole },
    ];
    const desk = new Desk([receiver('r', `{${spec}groupBy: [], groupWait: 0s, ${URL}}`, namespace)]);
    expect(desk.look(alerts)).toEqual([`r: ${told.join(' ')}`]);
  });
});

const HOUR = 60 * MINUTE;

describe('silences', () => {
  it('keep an alert from being told, from all receivers, until they end', () => {
    const desk = new Desk([eager, receiver('other', `{${URL}, groupWait: 0s}`)]);
    desk.silences = [silence(['alertname="a"'])];
    expect(desk.look([alert('a1'), alert('b1')])).toEqual(['eager: b1', 'other: b1']);
    desk.silences = [silence(['alertname="a"'], { active: false })];
    expect(desk.look([alert('a1'), alert('b1')], HOUR)).toEqual(['eager: a1', 'eager: b1', 'other: a1']);
  });

  it('of an alert that was told: its end is told all the same', () => {
    const desk = new Desk([eager]);
    desk.look([alert('a1')]);
    desk.silences = [silence(['alertname="a"'])];
    expect(desk.look([alert('a1')], 5 * HOUR)).toEqual([]);
    expect(desk.look([alert('a1', 'resolved')])).toEqual(['eager: -a1']);
  });

  it('SEC-48: of one namespace say nothing of the alerts of another, and what cannot be read silences nothing', () => {
    const desk = new Desk([eager]);
    desk.silences = [silence([], { namespace: 'bank' }), silence(['a ? b'])];
    expect(desk.look([alert('a1')])).toEqual(['eager: a1']);
    desk.silences = [silence([], { namespace: 'shop' })];
    expect(desk.look([alert('a2')], HOUR)).toEqual([]);
  });
});

it('whatever happens, in the end everybody has been told of every alert, and of the end of each that he was told of', () => {
  const states = fc.array(fc.constantFrom('firing', 'resolved'), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(fc.array(states, { minLength: 1, maxLength: 4 }), fc.integer({ min: 1, max: 40 }), (lives, step) => {
      const desk = new Desk([eager]);
      const told = new Map<string, string>();
      const note = (lines: readonly string[]): void => {
        for (const name of lines.flatMap((line) => line.split(': ')[1]?.split(' ') ?? []))
          told.set(name.replace('-', ''), name.startsWith('-') ? 'resolved' : 'firing');
      };
      const last = lives.map((life) => life.at(-1));
      const at = (index: number) =>
        lives.map((life, n) => ({ ...alert(`a${n}`, life[Math.min(index, life.length - 1)]), firingAt: index }));
      for (let index = 0; index < 12; index += 1) note(desk.look(at(index), step * SECOND));
      for (const passed of [HOUR, HOUR]) note(desk.look(at(12), passed));
      for (const [n, state] of last.entries()) expect(told.get(`a${n}`) ?? 'resolved').toBe(state);
    }),
  );
});
