import { z } from 'zod';
import { isHostName, isIpAddress } from '../../address.js';
import { parseMatcher } from '../../alert-matchers.js';
import type { AlertChannel, AlertMatcher } from '../../alerting.js';
import { defineKind, readBy } from '../../define-kind.js';
import { durationToMs } from '../../duration-text.js';
import { controlProblem, duration, portNumber, refuseDuplicates, report, strict, text } from '../../schema-parts.js';
import { alertLabel, matchers, secretName, webUrl } from './parts.js';

const SECRET =
  'Secrets are files of the control plane, `<alerts.secretsDir>/<mesh>/<namespace>/<name>`: they are in no manifest, history or answer.';

const urlFields = (what: string) => ({
  url: webUrl()
    .optional()
    .describe(`${what} https, or http where the control plane allows the host. Either this or urlSecret.`),
  urlSecret: secretName()
    .optional()
    .describe(`Name of a secret that holds the URL, where the URL itself lets one in. ${SECRET}`),
});

const eitherUrl = (
  { url, urlSecret }: { readonly url?: string | undefined; readonly urlSecret?: string | undefined },
  sink: Parameters<typeof report>[0],
): void => {
  if ((url === undefined) === (urlSecret === undefined)) report(sink, 'conflict', 'must have either url or urlSecret');
};

const webhook = strict({
  ...urlFields("Where Alertmanager's webhook document (version 4) is posted to;"),
  tokenSecret: secretName().optional().describe('Name of a secret that is sent as a bearer token. Default: none.'),
})
  .superRefine(eitherUrl)
  .describe("A program that understands Alertmanager's webhooks.");

const slack = strict({
  ...urlFields("Slack's incoming webhook;"),
  channel: text('invalid-value', controlProblem)
    .max(80)
    .optional()
    .describe('Channel, where the webhook may choose one. Default: the one of the webhook.'),
})
  .superRefine(eitherUrl)
  .describe('Slack, or what takes its messages (Mattermost, Rocket.Chat).');

// A name in front of it is what header injection is made of.
const ADDRESS = z.email().max(254);
const mailAddress = () =>
  text('invalid-value', (value) =>
    ADDRESS.safeParse(value).success
      ? undefined
      : 'must be an e-mail address such as oncall@example.com, without a name',
  );

const email = strict({
  to: z
    .array(mailAddress())
    .min(1)
    .max(20)
    .superRefine((list, sink) => refuseDuplicates(sink, list, 'the address'))
    .describe('Addresses, 1 to 20.'),
  from: mailAddress().describe('Address of the sender.'),
  host: text('invalid-host', (value) =>
    isHostName(value) || isIpAddress(value) ? undefined : 'must be a host name in lower case or an IP address',
  ).describe('Mail server (SMTP).'),
  port: portNumber().default(587).describe('Its port, 1 to 65535. Default: 587.'),
  tls: z
    .enum(['StartTls', 'Implicit'])
    .optional()
    .describe(
      'Implicit: TLS from the first byte. StartTls: after STARTTLS, which is required. Default: Implicit for port 465, else StartTls.',
    ),
  username: text('invalid-value', controlProblem)
    .max(254)
    .optional()
    .describe('Name to log in with. Default: no login.'),
  passwordSecret: secretName().optional().describe(`Name of a secret that holds the password. ${SECRET}`),
})
  .superRefine(({ username, passwordSecret }, sink) => {
    if ((username === undefined) !== (passwordSecret === undefined))
      report(sink, 'conflict', 'must have both or neither of username and passwordSecret');
  })
  .describe('E-mail by a mail server (SMTP), with TLS.');

const CHANNELS = ['webhook', 'slack', 'email'] as const;

const schema = strict({
  scope: z
    .enum(['Namespace', 'Mesh'])
    .default('Namespace')
    .describe(
      'Whose alerts it gets: those of its namespace, or of the whole mesh, for which one needs the right to write receivers in all of it. Default: Namespace.',
    ),
  matchers: matchers().describe(
    'Only alerts whose labels match all of these, as Alertmanager writes them: `severity="critical"`, `service=~"orders|web"`; at most 16. Default: all alerts in scope.',
  ),
  webhook: webhook.optional(),
  slack: slack.optional(),
  email: email.optional(),
  groupBy: z
    .array(alertLabel())
    .max(16)
    .default(['alertname', 'namespace'])
    .superRefine((list, sink) => refuseDuplicates(sink, list, 'the label'))
    .describe(
      'Alerts with equal values of these labels come in one notification. Empty = all in one. Default: alertname, namespace.',
    ),
  groupWait: duration()
    .default('30s')
    .describe('How long the first notification of a group waits for further alerts. "0s" = not at all. Default: 30s.'),
  groupInterval: duration({ min: 1000 })
    .default('5m')
    .describe('Least time between notifications of one group, at least "1s". Default: 5m.'),
  repeatInterval: duration()
    .default('4h')
    .describe('When a group that still fires is told again. "0s" = never. Default: 4h.'),
  sendResolved: z.boolean().default(true).describe('Also tell when an alert has ended. Default: true.'),
}).superRefine((spec, sink) => {
  const named = CHANNELS.filter((name) => spec[name] !== undefined);
  if (named.length === 0) report(sink, 'required', `must have one of ${CHANNELS.join(', ')}`);
  for (const extra of named.slice(1))
    report(sink, 'conflict', `must be left out beside ${named[0]}: write another AlertReceiver`, [extra]);
});

type Spec = z.infer<typeof schema>;

function channelOf(spec: Spec): AlertChannel {
  if (spec.email) {
    const { to, from, host, port, tls, username = '', passwordSecret = '' } = spec.email;
    const kind = tls ?? (port === 465 ? 'Implicit' : 'StartTls');
    return { type: 'Email', to, from, host, port, tls: kind, username, passwordSecret };
  }
  if (spec.slack) {
    const { url = '', urlSecret = '', channel = '' } = spec.slack;
    return { type: 'Slack', url, urlSecret, channel };
  }
  const { url = '', urlSecret = '', tokenSecret = '' } = spec.webhook ?? {};
  return { type: 'Webhook', url, urlSecret, tokenSecret };
}

const toMatchers = (texts: readonly string[]): readonly AlertMatcher[] =>
  texts.flatMap((one) => {
    const parsed = parseMatcher(one);
    return parsed.ok ? [parsed.value] : [];
  });

/** AlertReceiver: who is told of which alerts, and by what. */
export const alertReceiverKind = defineKind({
  kind: 'AlertReceiver',
  plural: 'alertreceivers',
  aliases: ['receiver', 'receivers'],
  apiVersion: 'heddle.dev/v1alpha1',
  group: 'operation',
  scope: 'namespace',
  nameRule: 'subdomain',
  summary: 'Who is told of which alerts: a webhook, Slack or e-mail, with grouping and repetition as in Alertmanager.',
  spec: readBy(schema),
  toDomain: (spec, place, source) => ({
    type: 'AlertReceiver',
    value: {
      source,
      namespace: place.namespace,
      name: place.name,
      scope: spec.scope,
      matchers: toMatchers(spec.matchers),
      channel: channelOf(spec),
      groupBy: spec.groupBy,
      groupWaitMs: durationToMs(spec.groupWait),
      groupIntervalMs: durationToMs(spec.groupInterval),
      repeatIntervalMs: durationToMs(spec.repeatInterval),
      sendResolved: spec.sendResolved,
    },
  }),
});
