import { randomUUID } from 'node:crypto';
import { canonicalJson } from '#libs/kernel';
import { type InstanceSpec, instanceSpecOf } from '#libs/model';
import type { Actor, Attachment, InstanceTransition } from '../ports.js';
import type { InstanceState } from './rows.js';

export type InstanceCommand =
  | InstanceTransition
  | { readonly op: 'register'; readonly spec: InstanceSpec; readonly actor: Actor };

const equal = (a: unknown, b: unknown): boolean => canonicalJson(a) === canonicalJson(b);
const isSame = (a: Attachment, b: Attachment): boolean =>
  a.replica === b.replica && a.epoch === b.epoch && a.stream === b.stream;

function register(spec: InstanceSpec, state: InstanceState | undefined): InstanceState {
  if (state === undefined) {
    const unattached = { features: [], envoyVersion: '', attached: [], routable: false, detachedAt: 0 };
    return {
      ...instanceSpecOf(spec),
      ...unattached,
      uid: randomUUID(),
      leaving: false,
      leavingAt: 0,
      runtimeRevision: 0,
    };
  }
  if (!state.leaving && equal(instanceSpecOf(spec), instanceSpecOf(state))) return state;
  return { ...state, ...instanceSpecOf(spec), leaving: false, leavingAt: 0 };
}

function attach(command: InstanceCommand & { op: 'attach' }, state: InstanceState): InstanceState {
  const { envoyVersion, features } = command;
  const known = state.attached.some((entry) => isSame(entry, command.attachment));
  if (known && state.envoyVersion === envoyVersion && equal(state.features, features)) return state;
  const attached = known ? state.attached : [...state.attached, command.attachment];
  return { ...state, attached, envoyVersion, features: [...features], detachedAt: 0 };
}

/**
 * Takes exactly the given entries away, so that a late disconnect cannot undo a reconnect. The instance stays routable:
 * a lost stream alone never removes an endpoint.
 */
export function detach(state: InstanceState, gone: (entry: Attachment) => boolean, now: number): InstanceState {
  const attached = state.attached.filter((entry) => !gone(entry));
  if (attached.length === state.attached.length) return state;
  return { ...state, attached, detachedAt: attached.length === 0 ? now : 0 };
}

/**
 * The state of an instance after a command; the same object when nothing changes, `undefined` when there is no such
 * instance (any more). Only `register` makes one: a command for an unknown instance does nothing.
 * @param now milliseconds since the epoch by Postgres's clock
 */
export function applyCommand(
  command: InstanceCommand,
  state: InstanceState | undefined,
  now: number,
): InstanceState | undefined {
  if (command.op === 'register') return register(command.spec, state);
  if (state === undefined) return undefined;
  switch (command.op) {
    case 'attach':
      return attach(command, state);
    case 'detach':
      return detach(state, (entry) => isSame(entry, command.attachment), now);
    case 'routable': {
      const routable = command.routable && !state.leaving;
      return routable === state.routable ? state : { ...state, routable };
    }
    case 'leave':
      return state.leaving ? state : { ...state, leaving: true, leavingAt: now, routable: false };
    case 'remove':
      return undefined;
  }
}

/** One line for the instance's history. */
export function describe(command: InstanceCommand): string {
  switch (command.op) {
    case 'register':
      return `by ${command.actor.name}`;
    case 'attach':
      return `to ${command.attachment.replica}, Envoy ${command.envoyVersion || 'of unknown version'}`;
    case 'detach':
      return `from ${command.attachment.replica}`;
    case 'routable':
      return command.routable ? 'ready' : 'not ready';
    case 'leave':
      return 'deregistered';
    case 'remove':
      return command.reason;
  }
}
