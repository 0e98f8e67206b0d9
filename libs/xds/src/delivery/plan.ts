import { Cell, WITHHELD } from '../cell.js';
import { isGlob } from '../names.js';
import type { Board } from './board.js';
import { examine, targetOf } from './examine.js';
import { planFirst } from './first.js';
import { type PlannedResponse, planBeat } from './heartbeat.js';
import { Leaving, mayBeMet, requirementsMet } from './references.js';
import type { TypeDelivery } from './type-delivery.js';

/** What a look at some names found. */
interface Findings {
  readonly cells: Cell[];
  readonly removed: string[];
  readonly absent: string[];
  readonly held: string[];
  /** Answered with what the client had, while a newer content waits: to be looked at again. */
  readonly again: string[];
}

const NOTHING: readonly string[] = [];
/** Bytes of a repeated string beside its text, at most. */
const NAME_OVERHEAD = 6;

/**
 * The next response of a type, or `undefined` if there is nothing to send now. Names that are settled or part of the
 * response are no longer dirty afterwards; the held back ones stay dirty.
 */
export function planResponse(board: Board, type: TypeDelivery): PlannedResponse | undefined {
  if (type.inFlight) return undefined;
  const change = type.spec.aliased ? planAliased(board, type) : planChange(board, type);
  if (change || !type.beatDue) return change;
  return planBeat(board, type) ?? planChange(board, type);
}

/**
 * DELTA-14: aliases are looked up now and not when they are asked for, since they may pass to another resource until
 * there is an answer. One stays asked for until its resource, whichever that is then, has been sent or found to be held.
 */
function planAliased(board: Board, type: TypeDelivery): PlannedResponse | undefined {
  spreadOut(board, type);
  const aliases = [...type.dirty]
    .map((name) => [name, board.keyOf(type, name)] as const)
    .filter(([a, key]) => a !== key);
  for (const [alias, key] of aliases) {
    if (type.owed.has(alias)) type.owe(key);
    else type.dirty.add(key);
    type.dirty.delete(alias);
  }
  const response = planChange(board, type);
  for (const [alias, key] of aliases) {
    if (type.dirty.has(key)) type.dirty.add(alias);
    else type.owed.delete(alias);
  }
  return response;
}

function planChange(board: Board, type: TypeDelivery): PlannedResponse | undefined {
  if (!type.hasWork) {
    type.held = NOTHING;
    return undefined;
  }
  const first = planFirst(board, type);
  if (first) return first;
  spreadOut(board, type);
  while (type.retry.length > 0) {
    const group = type.retry.shift() ?? [];
    const response = planNames(
      board,
      type,
      group.filter((name) => type.dirty.has(name)),
    );
    if (response) return response;
  }
  return planNames(board, type, [...type.dirty]);
}

/** Turns "look at everything" into names. */
function spreadOut(board: Board, type: TypeDelivery): void {
  if (!type.allDirty) return;
  type.allDirty = false;
  const { wildcard, names } = type.subscription;
  if (wildcard) for (const name of board.source.names(type.spec.url)) type.dirty.add(name);
  for (const name of names) {
    if (type.owesAll) type.owe(name);
    else type.dirty.add(name);
    if (isGlob(name)) for (const member of board.source.members(type.spec.url, name)) type.dirty.add(member);
  }
  type.owesAll = false;
  for (const name of type.acked.keys()) type.dirty.add(name);
  for (const name of type.orphans.keys()) type.dirty.add(name);
}

function planNames(board: Board, type: TypeDelivery, names: readonly string[]): PlannedResponse | undefined {
  const findings = look(board, type, names);
  type.held = findings.held;
  const sotw = board.variant === 'sotw';
  const response = sotw ? planSotw(board, type, findings) : planDelta(board, type, findings);
  if (response || type.retry.length > 0) return response;
  if (!type.answerDue) return undefined;
  // DELTA-10: nothing to send, and the client waits for a first answer.
  if (findings.held.length > 0) return undefined;
  type.answerDue = false;
  return { cells: [], news: [], removed: [], beat: false };
}

function look(board: Board, type: TypeDelivery, names: readonly string[]): Findings {
  const found: Findings = { cells: [], removed: [], absent: [], held: [], again: [] };
  const leaving = new Leaving(board, type);
  for (const name of names) {
    const step = examine(board, type, name, leaving);
    if (step === 'settled') done(type, name);
    else if (step === 'hold') found.held.push(name);
    else if (step === 'remove') found.removed.push(name);
    else if (step === 'absent') sayNothing(board, type, name, found);
    else {
      found.cells.push(step);
      if (isOlder(board, type, step)) found.again.push(name);
    }
  }
  return found;
}

/** OND-2: that there is no such virtual host is a resource without content; of other types it is a removal. */
function sayNothing({ source }: Board, { spec: { url, aliased } }: TypeDelivery, name: string, found: Findings): void {
  if (!aliased) {
    found.absent.push(name);
    return;
  }
  // One that was refused is nothing to this client, under all of its names.
  const refused = source.lookup(url, name);
  found.cells.push(Cell.nothing(url, name, refused instanceof Cell ? refused.aliases : [name]));
}

/** There is a newer content than the one that is sent, and it may still go out. */
function isOlder(board: Board, type: TypeDelivery, sent: Cell): boolean {
  if (type.acked.get(sent.name) !== sent) return false;
  const target = board.source.lookup(type.spec.url, sent.name);
  return target instanceof Cell && target !== sent && !type.isRefused(sent.name, target.version);
}

function done(type: TypeDelivery, name: string): void {
  type.dirty.delete(name);
  type.owed.delete(name);
}

function planDelta(board: Board, type: TypeDelivery, found: Findings): PlannedResponse | undefined {
  const cells = choose(board, type, found.cells);
  const room = board.maxResponseBytes - cells.reduce((sum, cell) => sum + cell.size, 0);
  const removed = fitting([...found.removed, ...found.absent], room, cells.length === 0);
  if (cells.length === 0 && removed.length === 0) return undefined;
  // A first answer, as a rule: all that was asked for is in it.
  if (!type.spec.aliased && cells.length + removed.length === type.dirty.size) type.nothingLeft();
  else {
    for (const cell of cells) done(type, cell.name);
    for (const name of removed) done(type, name);
  }
  for (const name of found.again) type.dirty.add(name);
  type.answerDue = false;
  return { cells, news: cells, removed, beat: false };
}

/**
 * The resources of the next response: as many as fit, and where a refusal would not name its culprit, new ones together
 * and updates one by one (ENV-2).
 */
function choose(board: Board, type: TypeDelivery, cells: readonly Cell[]): readonly Cell[] {
  let chosen = cells;
  if (type.spec.updatesAlone && cells.length > 1) {
    const fresh = cells.filter((cell) => !type.mayHold(cell.name));
    chosen = fresh.length > 0 ? fresh : cells.slice(0, 1);
  }
  let [bytes, count] = [0, 0];
  for (const cell of chosen) {
    bytes += cell.size;
    if (bytes > board.maxResponseBytes && count > 0) break;
    count++;
  }
  return count === chosen.length ? chosen : chosen.slice(0, count);
}

/** As many names as fit, in bytes of names; one at least if `one` (NET-7). */
function fitting(names: readonly string[], room: number, one: boolean): readonly string[] {
  let [bytes, count] = [0, 0];
  for (const name of names) {
    bytes += name.length + NAME_OVERHEAD;
    if (bytes > room && !(one && count === 0)) break;
    count++;
  }
  return count === names.length ? names : names.slice(0, count);
}

function planSotw(board: Board, type: TypeDelivery, found: Findings): PlannedResponse | undefined {
  // SOTW-11: nothing is said about names that do not exist.
  for (const name of found.absent) done(type, name);
  if (type.spec.fullState) return type.unknownBase ? planWholeState(board, type, found) : planFullState(type, found);
  // SOTW-5: these types have no deletion; the client is left with what it holds.
  for (const name of found.removed) type.forget(name);
  const cells = choose(board, type, found.cells);
  if (cells.length === 0) return undefined;
  for (const cell of cells) done(type, cell.name);
  for (const name of found.again) type.dirty.add(name);
  type.answerDue = false;
  return { cells, news: cells, removed: [], beat: false };
}

/**
 * The first set for a client that came back with one of its own, of which nothing is known: all that exists, or nothing
 * yet. Whatever is not in it is deleted by the client, so what waits for a cluster under way is waited for; what waits
 * for a cluster that was refused or is not there is included, since the client may well run it.
 */
function planWholeState(board: Board, type: TypeDelivery, found: Findings): PlannedResponse | undefined {
  if (found.cells.length === 0 && found.removed.length === 0 && !type.answerDue && found.held.length === 0)
    return undefined;
  const { wildcard, names } = type.subscription;
  const set: Cell[] = [];
  for (const name of new Set([...names, ...(wildcard ? board.source.names(type.spec.url) : NOTHING)])) {
    const target = targetOf(board, type, name);
    if (target === undefined) continue;
    if (target === WITHHELD || !mayBeSent(board, target)) {
      type.held = [...new Set([...found.held, name])];
      type.dirty.add(name);
      return undefined;
    }
    set.push(target);
  }
  type.nothingLeft();
  return { cells: set, news: set, removed: [], beat: false };
}

const mayBeSent = (board: Board, cell: Cell): boolean => requirementsMet(board, cell) || !mayBeMet(board, cell);

/**
 * SOTW-4: the complete set. What is not to be removed yet, waits for something, was refused or belongs to another group
 * of a refused response is there in the form that the client accepted before.
 */
function planFullState(type: TypeDelivery, found: Findings): PlannedResponse | undefined {
  const { cells: news, removed } = found;
  if (news.length === 0 && removed.length === 0 && !(type.answerDue && found.held.length === 0)) return undefined;
  const set = new Map<string, Cell>();
  for (const [name, held] of type.acked) if ('serial' in held) set.set(name, held);
  for (const [name, cell] of type.taken) set.set(name, cell);
  for (const name of removed) set.delete(name);
  for (const cell of news) set.set(cell.name, cell);
  for (const cell of news) done(type, cell.name);
  for (const name of removed) done(type, name);
  type.answerDue = false;
  return { cells: [...set.values()], news, removed, beat: false };
}
