import type { Clock } from '#libs/kernel';
import { type AlertReceiver, type AlertRule, resourceKey, type ServiceLevelObjective } from '#libs/model';
import { DeliveryFailed } from '../delivery/failure.js';
import { testNotification } from '../delivery/notification.js';
import type { Sender } from '../delivery/sender.js';
import { assess, type MeshAssessment } from '../engine/assess.js';
import { builtInRules } from '../engine/built-in.js';
import type { ObjectiveStatus } from '../engine/objective.js';
import type { Assessment } from '../engine/sample.js';
import type { Signals } from '../ports.js';
import { prometheusRules } from '../prometheus/rules.js';
import { receiverKey } from '../routing/dispatch.js';
import type { FactsReader } from './facts.js';
import type { RuleBook } from './rule-book.js';

export interface AlertQuestionsOptions {
  readonly book: RuleBook;
  readonly facts: FactsReader;
  readonly signals: Signals | undefined;
  readonly sender: Pick<Sender, 'send'>;
  readonly clock: Clock;
}

/** Those who ask at the same time are answered by one look. */
const FRESH_MS = 5_000;

/** How a test of a receiver ended. */
export interface TestOutcome {
  readonly delivered: boolean;
  /** '' when it was. */
  readonly reason: string;
  readonly tookMs: number;
}

/** What people ask about what is watched: the same engine as the job's, which writes nothing here. Any replica answers. */
export class AlertQuestions {
  readonly #looks = new Map<string, Promise<MeshAssessment>>();
  readonly #testing = new Set<string>();

  constructor(private readonly options: AlertQuestionsOptions) {}

  /** What every rule says now, the built-in ones too. @throws StoreUnavailable */
  async rules(mesh: string): Promise<readonly (Assessment & { readonly watched: AlertRule })[]> {
    const [{ assessments }, { rules, missing }] = [await this.#look(mesh), await this.options.book.of(mesh)];
    const keyOf = ({ namespace, name }: Assessment['rule']): string => `${namespace}/${name}`;
    const watched = new Map([...rules, ...builtInRules(rules)].map((rule) => [keyOf(rule.source), rule]));
    return assessments.flatMap((one) => {
      const rule = one.rule.kind === 'AlertRule' ? watched.get(keyOf(one.rule)) : undefined;
      return rule ? [{ ...one, watched: rule, why: joined(missing.get(resourceKey(one.rule)), one.why) }] : [];
    });
  }

  /** How every objective stands. @throws StoreUnavailable */
  async objectives(mesh: string): Promise<
    readonly {
      readonly objective: ServiceLevelObjective;
      readonly status: ObjectiveStatus | undefined;
      readonly why: string;
    }[]
  > {
    const [{ objectives, assessments }, written] = [await this.#look(mesh), await this.options.book.of(mesh)];
    return written.objectives.map((objective) => {
      const isOne = ({ rule }: Assessment): boolean =>
        rule.kind === 'ServiceLevelObjective' && rule.namespace === objective.namespace && rule.name === objective.name;
      const key = `${objective.namespace}/${objective.name}`;
      const found = assessments.find(isOne)?.why ?? 'it was written just now';
      const missing = written.missing.get(resourceKey(objective.source));
      return { objective, status: objectives.get(key), why: joined(missing, found) };
    });
  }

  /** @throws StoreUnavailable */
  async receivers(mesh: string): Promise<readonly AlertReceiver[]> {
    return (await this.options.book.of(mesh)).receivers;
  }

  /** Stored documents that this build cannot read. @throws StoreUnavailable */
  async broken(mesh: string): Promise<readonly string[]> {
    return (await this.options.book.of(mesh)).broken;
  }

  /** Sends a test, one at a time to each receiver. @returns undefined when there is no such receiver @throws StoreUnavailable */
  async test(mesh: string, namespace: string, name: string): Promise<TestOutcome | undefined> {
    const { book, sender, clock } = this.options;
    const receiver = await book.receiver(mesh, `${namespace}/${name}`);
    if (!receiver) return undefined;
    const key = `${mesh} ${receiverKey(receiver)}`;
    if (this.#testing.has(key)) return { delivered: false, reason: 'another test of it is under way', tookMs: 0 };
    this.#testing.add(key);
    const before = clock.monotonic();
    const took = (): number => Math.round(clock.monotonic() - before);
    const now = clock.now();
    const notification = testNotification(receiverKey(receiver), mesh, now);
    try {
      await sender.send({ mesh, receiver, notification, id: `test-${now}` });
      return { delivered: true, reason: '', tookMs: took() };
    } catch (error) {
      if (!(error instanceof DeliveryFailed)) throw error;
      return { delivered: false, reason: error.message, tookMs: took() };
    } finally {
      this.#testing.delete(key);
    }
  }

  /** A rules file for Prometheus, as YAML. @throws StoreUnavailable */
  async prometheusRules(mesh: string): Promise<string> {
    return prometheusRules(await this.options.book.of(mesh));
  }

  #look(mesh: string): Promise<MeshAssessment> {
    const known = this.#looks.get(mesh);
    if (known) return known;
    const look = this.#assess(mesh);
    this.#looks.set(mesh, look);
    const forget = (): void => {
      if (this.#looks.get(mesh) === look) this.#looks.delete(mesh);
    };
    // It is large, and the mesh may be gone.
    this.options.clock.after(FRESH_MS, forget);
    // A failure is no answer for the next one.
    look.catch(forget);
    return look;
  }

  async #assess(mesh: string): Promise<MeshAssessment> {
    const { book, facts, signals, clock } = this.options;
    const rules = await book.of(mesh);
    const known = { facts: await facts.mesh(rules), server: await facts.server(), now: clock.now() };
    return assess(rules, known, signals);
  }
}

const joined = (...parts: readonly (string | undefined)[]): string => parts.filter((part) => part).join('; ');
