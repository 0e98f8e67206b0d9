import { Command } from 'commander';
import type {
  AlertView,
  ObjectiveView,
  PastAlert,
  ReceiverItem,
  ReceiverTest,
  RuleStatus,
  SilenceView,
} from '#libs/alerts';
import type { ListView } from '#libs/api';
import { parseMatcher, printMatcher } from '#libs/model';
import { remote, type Session, session } from '../command.js';
import { CliError, EXIT } from '../exit-codes.js';
import { durationSeconds, wholeNumber } from '../numbers.js';
import { print, printAs } from '../output.js';
import {
  renderAlerts,
  renderHistory,
  renderObjectives,
  renderReceivers,
  renderRules,
  renderSilences,
} from './render.js';

const EXAMPLES = `
Examples:
  heddle alerts                                   what fires, the most urgent first
  heddle alerts --state firing -o json            the same for programs
  heddle alerts history --since 24h               what began and ended
  heddle alerts silence refusals --for 2h --reason "we know, c-42"
  heddle alerts silence 'service=~"orders|web"' --for 30m --reason deploying -n shop
  heddle alerts unsilence 7
  heddle alerts test oncall -n shop               is the receiver told?
  heddle alerts prometheus-rules > rules.yaml     for those who alert with Prometheus`;

/** `heddle alerts`: without a subcommand it lists. */
export function alertsCommand(): Command {
  const command = new Command('alerts')
    .description('what is the matter now; silences, receivers, rules')
    .addHelpText('after', EXAMPLES);
  command.addCommand(list(), { isDefault: true });
  for (const sub of [history(), rules(), receivers(), silences(), silence(), unsilence(), test(), prometheus()])
    command.addCommand(sub);
  return command;
}

function list(): Command {
  return remote(new Command('list').description('what fires or is about to, the most urgent first (the default)'))
    .option('--state <state>', 'only pending, firing or resolved')
    .action(async (flags: { readonly state?: string; readonly namespace?: string }) => {
      const s = session(flags);
      const answer = await s.rest.get<ListView<AlertView>>(`${s.meshPath}/alerts${queryOf(listQuery(flags))}`);
      printAs(s.format, answer, () => renderAlerts(answer));
    });
}

/** `heddle slo` */
export function sloCommand(): Command {
  return remote(
    new Command('slo').description(
      'how objectives stand: what is wanted, what is, the error budget that is left, how fast it goes',
    ),
  ).action(async (flags: object) => {
    const s = session(flags);
    const answer = await s.rest.get<ListView<ObjectiveView>>(`${s.meshPath}/alerts/objectives`);
    printAs(s.format, answer, () => renderObjectives(answer));
  });
}

const queryOf = (parameters: Readonly<Record<string, string | undefined>>): string => {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) given.set(name, value);
  return given.size === 0 ? '' : `?${given}`;
};

const STATES: readonly string[] = ['pending', 'firing', 'resolved'];

function listQuery({ state, namespace }: { readonly state?: string; readonly namespace?: string }) {
  if (state !== undefined && !STATES.includes(state))
    throw new CliError(`--state ${state}: it must be ${STATES.join(', ')}`, EXIT.usage);
  return { state, namespace };
}

function history(): Command {
  return remote(new Command('history').description('what began and ended, newest first; for 90 days'))
    .option('--limit <n>', 'at most so many lines', '50')
    .option('--since <time>', 'only the last 30m, 24h, 7d')
    .action(async (flags: { readonly limit?: string; readonly since?: string }) => {
      const s = session(flags);
      const limit = wholeNumber('--limit', flags.limit ?? '50', { min: 1, max: 500 });
      const since =
        flags.since === undefined
          ? undefined
          : new Date(Date.now() - durationSeconds('--since', flags.since) * 1000).toISOString();
      const query = queryOf({ limit: String(limit), since });
      const answer = await s.rest.get<ListView<PastAlert>>(`${s.meshPath}/alerts/history${query}`);
      printAs(s.format, answer, () => renderHistory(answer));
    });
}

function rules(): Command {
  return remote(new Command('rules').description('what every rule says now, the built-in ones too')).action(
    async (flags: object) => {
      const s = session(flags);
      const answer = await s.rest.get<ListView<RuleStatus>>(`${s.meshPath}/alerts/rules`);
      printAs(s.format, answer, () => renderRules(answer));
    },
  );
}

function receivers(): Command {
  return remote(new Command('receivers').description('who is told, and whether that works')).action(
    async (flags: object) => {
      const s = session(flags);
      const answer = await s.rest.get<ListView<ReceiverItem>>(`${s.meshPath}/alerts/receivers`);
      printAs(s.format, answer, () => renderReceivers(answer));
    },
  );
}

function silences(): Command {
  return remote(new Command('silences').description('what nobody is told of, until when, by whom and why'))
    .option('--all', 'also those that have ended, for 90 days')
    .action(async (flags: { readonly all?: boolean }) => {
      const s = session(flags);
      const query = queryOf({ all: flags.all ? 'true' : undefined });
      const answer = await s.rest.get<ListView<SilenceView>>(`${s.meshPath}/silences${query}`);
      printAs(s.format, answer, () => renderSilences(answer));
    });
}

interface SilenceFlags {
  readonly for: string;
  readonly reason: string;
  readonly allNamespaces?: boolean;
}

function silence(): Command {
  return remote(new Command('silence').description('tell nobody of some alerts for a while; it ends by itself'))
    .argument('<what...>', 'name of an alert, or matchers such as service=orders; all have to match')
    .requiredOption('--for <time>', 'how long: 30m, 2h, 1d; at most 90d')
    .requiredOption('--reason <words>', 'why, for everybody who wonders')
    .option('--all-namespaces', 'alerts of every namespace, and of the mesh as a whole')
    .action(async (what: readonly string[], flags: SilenceFlags) => {
      const s = session(flags);
      const body = {
        namespace: flags.allNamespaces ? '' : s.context.namespace,
        matchers: what.map(matcherOf),
        reason: flags.reason,
        seconds: Math.round(durationSeconds('--for', flags.for)),
      };
      const made = await s.rest.send<SilenceView>('POST', `${s.meshPath}/silences`, { body });
      const where = made.namespace === '' ? 'the mesh' : `namespace ${made.namespace}`;
      printAs(
        s.format,
        made,
        () => `silence ${made.id} in ${where} until ${made.endsAt}; heddle alerts unsilence ${made.id} ends it`,
      );
    });
}

/** A bare word is the name of an alert. */
function matcherOf(text: string): string {
  if (/^[A-Za-z0-9][-A-Za-z0-9._]*$/.test(text))
    return printMatcher({ label: 'alertname', operator: '=', value: text });
  const parsed = parseMatcher(text);
  if (parsed.ok) return printMatcher(parsed.value);
  throw new CliError(`${text}: it ${parsed.error}`, EXIT.usage);
}

function unsilence(): Command {
  return remote(new Command('unsilence').description('end a silence before its time'))
    .argument('<id>', 'of heddle alerts silences')
    .action(async (id: string, flags: object) => {
      const s = session(flags);
      const number = wholeNumber('the id', id, { min: 1, max: Number.MAX_SAFE_INTEGER });
      await s.rest.send('DELETE', `${s.meshPath}/silences/${number}`);
      printAs(s.format, { ended: number }, () => `silence ${number} has ended`);
    });
}

function test(): Command {
  return remote(new Command('test').description('send a test notification to a receiver'))
    .argument('<receiver>', 'name of an AlertReceiver of the namespace')
    .action(async (receiver: string, flags: object) => {
      const s = session(flags);
      const outcome = await sendTest(s, receiver);
      printAs(s.format, outcome, () => (outcome.delivered ? `${receiver} was told (${outcome.tookMs} ms)` : ''));
      if (!outcome.delivered) throw new CliError(`${receiver} was not told: ${outcome.reason}`, EXIT.refused);
    });
}

const sendTest = (s: Session, receiver: string): Promise<ReceiverTest> =>
  s.rest.send<ReceiverTest>('POST', `${s.namespacePath}/alertreceivers/${encodeURIComponent(receiver)}/test`);

function prometheus(): Command {
  return remote(
    new Command('prometheus-rules').description('the rules and objectives of the mesh as a file for Prometheus'),
  ).action(async (flags: object) => {
    const s = session(flags);
    const lines: string[] = [];
    for await (const line of s.rest.lines('GET', `${s.meshPath}/alerts/prometheus-rules`)) lines.push(line);
    print(lines.join('\n'));
  });
}
