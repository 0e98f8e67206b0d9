import { describe, expect, it } from 'vitest';
import type { Attachment } from '../ports.js';
import { actor, at, instance } from '../testing/fixtures.js';
import type { InstanceState } from './rows.js';
import { applyCommand, type InstanceCommand } from './transitions.js';

const attachment = (stream: number, replica = 'a'): Attachment => ({ replica, epoch: 'e1', stream });
const attach = (stream: number, replica?: string): InstanceCommand => ({
  op: 'attach',
  ...at('i'),
  attachment: attachment(stream, replica),
  envoyVersion: '1.40.0',
  features: ['srds'],
});
const detach = (stream: number, replica?: string): InstanceCommand => ({
  op: 'detach',
  ...at('i'),
  attachment: attachment(stream, replica),
});
const run = (commands: readonly InstanceCommand[], now = 100): InstanceState | undefined =>
  commands.reduce<InstanceState | undefined>((state, command) => applyCommand(command, state, now), undefined);
const register: InstanceCommand = { op: 'register', spec: instance('i'), actor };

describe('the state of an instance', () => {
  it('begins detached, not routable, and not waiting to be removed', () => {
    expect(run([register])).toMatchObject({ attached: [], routable: false, leaving: false, detachedAt: 0 });
  });

  it('does not change when nothing is new: the same object comes back', () => {
    const state = run([register, attach(1), { op: 'routable', ...at('i'), routable: true }]);
    for (const command of [register, attach(1), detach(9), { op: 'routable', ...at('i'), routable: true } as const]) {
      expect(applyCommand(command, state, 100)).toBe(state);
    }
  });

  it('loses exactly the attachment that went: a late disconnect does not undo a reconnect', () => {
    expect(run([register, attach(1), attach(2), detach(1)])).toMatchObject({
      attached: [attachment(2)],
      detachedAt: 0,
    });
    expect(run([register, attach(1, 'a'), attach(1, 'b'), detach(1, 'a')])?.attached).toEqual([attachment(1, 'b')]);
  });

  it('stays routable when its last stream is lost, and remembers when', () => {
    const state = run([register, attach(1), { op: 'routable', ...at('i'), routable: true }, detach(1)], 700);
    expect(state).toMatchObject({ routable: true, attached: [], detachedAt: 700 });
  });

  it('leaves every endpoint list when it is deregistered, and cannot become routable again', () => {
    const leaving = [register, attach(1), { op: 'leave', ...at('i') } as const];
    expect(run(leaving, 5)).toMatchObject({ leaving: true, leavingAt: 5, routable: false });
    expect(run([...leaving, { op: 'routable', ...at('i'), routable: true }])).toMatchObject({ routable: false });
  });

  it('keeps uid and attachments when it is registered again, and takes a deregistration back', () => {
    const before = run([register, attach(1), { op: 'leave', ...at('i') }]);
    const again = applyCommand({ op: 'register', spec: instance('i', { host: '10.0.0.9' }), actor }, before, 1);
    expect(again).toMatchObject({ uid: before?.uid, attached: [attachment(1)], host: '10.0.0.9', leaving: false });
  });

  it('is not made by anything but its registration', () => {
    expect(run([attach(1)])).toBeUndefined();
    expect(run([register, { op: 'remove', ...at('i'), reason: 'test' }, attach(2)])).toBeUndefined();
  });
});
