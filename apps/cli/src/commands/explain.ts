import { Command } from 'commander';
import type {
  PolicyExplanationView,
  ProxyOfRevisionView,
  ProxyResourcesView,
  ProxyThenView,
  RequestExplanationView,
  ResourceExplanationView,
} from '#libs/api';
import { remote, type Session, session } from '../command.js';
import { CliError, EXIT } from '../exit-codes.js';
import { ofRevisionText, thenText } from '../explain/past.js';
import { hiddenLine, policyText, requestText, resourceText } from '../explain/render.js';
import { findKind } from '../kinds.js';
import { note, printAs, table } from '../output.js';
import { type NamedProxy, proxyOf } from '../proxy-name.js';

interface Flags {
  readonly full?: boolean;
  readonly at?: string;
  readonly revision?: string;
  readonly policy?: string;
  readonly request?: string;
  readonly from?: string;
  readonly header?: readonly string[];
}

const EXAMPLES = `
Examples:
  heddle explain web                        what the proxy of web has (the first instance of a workload or service)
  heddle explain shop/web-0 RDS shop/orders what its routes to orders were made from, by whom, and which policy won
  heddle explain web --at 2026-11-23T14:02Z what it was running then, as its Envoy had confirmed it; also -10m, or c-41
  heddle explain web RDS shop/orders --at -2h  the same of one resource, with its content
  heddle explain web --revision 41          what it would be sent of config revision 41, compiled anew
  heddle explain --policy RetryPolicy/x     which proxies would be otherwise without it, and who wins over it
  heddle explain --request 'GET http://orders/v1/1' --from web`;

export function explainCommand(): Command {
  const command = new Command('explain').description(
    'show why: what an Envoy resource was made from, what a policy does, where a request goes',
  );
  return remote(command)
    .argument('[proxy]', 'name of an instance, workload or service, or <namespace>/<name>')
    .argument('[resource...]', 'its type and name, as the list has them: RDS shop/orders')
    .option('--full', 'every step of the compilation, not only what somebody wrote')
    .option(
      '--at <time>',
      'what it was running then: 2026-11-23T14:02Z, how long ago (-10m, -2h, -3d), or a change (c-41)',
    )
    .option('--revision <n>', "what it would be sent of that config revision, by today's compiler")
    .option('--policy <kind/name>', 'what a policy touches, and what shadows it')
    .option('--request <request>', "where a request goes, and why not elsewhere: 'GET http://orders/v1/1'")
    .option('--from <proxy>', 'with --request: the proxy whose application sends it')
    .option('-H, --header <header>', "with --request: 'name: value', several times", collect)
    .addHelpText('after', EXAMPLES)
    .action(async (proxy: string | undefined, resource: readonly string[], flags: Flags) => {
      const s = session(flags);
      requireOne(proxy, flags);
      if (flags.policy !== undefined) await showPolicy(s, flags.policy);
      else if (flags.request !== undefined) await showRequest(s, flags.request, flags);
      else if (flags.at !== undefined) await showThen(s, proxyOf(s, proxy ?? ''), { resource, at: flags.at });
      else if (flags.revision !== undefined)
        await showRevision(s, proxyOf(s, proxy ?? ''), { resource, revision: flags.revision });
      else if (resource.length === 0) await showResources(s, proxyOf(s, proxy ?? ''));
      else await showResource(s, proxyOf(s, proxy ?? ''), { resource, full: flags.full === true });
    });
}

const collect = (header: string, before: readonly string[] = []): readonly string[] => [...before, header];

/** One question at a time, and no flag that would do nothing. */
function requireOne(proxy: string | undefined, flags: Flags): void {
  const { full, policy, request, from, header } = flags;
  const usage = (message: string): CliError => new CliError(message, EXIT.usage);
  const questions = [proxy, policy, request].filter((one) => one !== undefined);
  if (questions.length !== 1) throw usage('give one of these: a proxy, --policy KIND/name, or --request with --from');
  if (request === undefined && from !== undefined) throw usage('--from goes with --request');
  if (request === undefined && header !== undefined) throw usage('--header goes with --request');
  if (request !== undefined && from === undefined) throw usage('--request needs --from: the proxy of the caller');
  if (proxy === undefined && full) throw usage('--full goes with a proxy and a resource');
  requirePast(proxy, flags);
}

function requirePast(proxy: string | undefined, { at, revision, full }: Flags): void {
  if (at === undefined && revision === undefined) return;
  const usage = (message: string): CliError => new CliError(message, EXIT.usage);
  const flag = at === undefined ? '--revision' : '--at';
  if (at !== undefined && revision !== undefined) throw usage('--at and --revision are two questions: ask one');
  if (proxy === undefined) throw usage(`${flag} goes with a proxy`);
  if (full) throw usage(`--full explains the present: it does not go with ${flag}`);
}

const TYPES = ['CDS', 'EDS', 'LDS', 'SRDS', 'RDS'];

async function showResources(s: Session, proxy: NamedProxy): Promise<void> {
  const answer = await s.rest.get<ProxyResourcesView>(
    `${s.meshPath}/explain/resources?${new URLSearchParams({ ...proxy })}`,
  );
  noteTrial(answer);
  const rows = answer.resources.map(({ type, name, about }) => [
    type,
    name,
    `${about.kind} ${about.namespace}/${about.name}`,
  ]);
  printAs(s.format, answer, () =>
    [table(['type', 'name', 'of'], rows), hiddenLine(answer.hidden)].filter((text) => text !== '').join('\n'),
  );
}

async function showResource(
  s: Session,
  proxy: NamedProxy,
  asked: { readonly resource: readonly string[]; readonly full: boolean },
): Promise<void> {
  const { full } = asked;
  const query = new URLSearchParams({ ...proxy, ...resourceOf(asked.resource), full: `${full}` });
  const answer = await s.rest.get<ResourceExplanationView>(`${s.meshPath}/explain/resource?${query}`);
  noteTrial(answer);
  printAs(s.format, answer, () => resourceText(answer, full));
}

/** What is explained is what everybody has. */
function noteTrial({ trial, proxy: { namespace, instance } }: Pick<ProxyResourcesView, 'trial' | 'proxy'>): void {
  if (trial === undefined) return;
  note(`${namespace}/${instance} is given ${trial} before others, which is not in this: heddle change show ${trial}`);
}

function resourceOf(words: readonly string[]): { readonly type: string; readonly resource: string } {
  const [type = '', name, ...more] = words.flatMap((word) => word.split(/\s+/));
  if (TYPES.includes(type.toUpperCase()) && name !== undefined && more.length === 0)
    return { type: type.toUpperCase(), resource: name };
  throw new CliError(`${words.join(' ')}: write its type (${TYPES.join(', ')}) and name: RDS shop/orders`, EXIT.usage);
}

interface Past {
  readonly resource: readonly string[];
}

/** The whole of it, or one resource with its content. */
const pastQuery = (proxy: NamedProxy, { resource }: Past, when: Readonly<Record<string, string>>): URLSearchParams =>
  new URLSearchParams({ ...proxy, ...when, ...(resource.length > 0 ? resourceOf(resource) : {}) });

async function showThen(s: Session, proxy: NamedProxy, asked: Past & { readonly at: string }): Promise<void> {
  const query = pastQuery(proxy, asked, { at: asked.at });
  const answer = await s.rest.get<ProxyThenView>(`${s.meshPath}/explain/at?${query}`);
  printAs(s.format, answer, () => thenText(answer));
}

async function showRevision(s: Session, proxy: NamedProxy, asked: Past & { readonly revision: string }): Promise<void> {
  const query = pastQuery(proxy, asked, { revision: asked.revision });
  const answer = await s.rest.get<ProxyOfRevisionView>(`${s.meshPath}/explain/revision?${query}`);
  printAs(s.format, answer, () => ofRevisionText(answer));
}

async function showPolicy(s: Session, text: string): Promise<void> {
  const [, kindName, name] = /^([^/]+)\/(.+)$/.exec(text) ?? [];
  if (kindName === undefined || name === undefined)
    throw new CliError(`--policy ${text}: write KIND/name, such as RetryPolicy/orders`, EXIT.usage);
  const { kind } = findKind(kindName);
  const query = new URLSearchParams({ kind, namespace: s.context.namespace, name });
  const answer = await s.rest.get<PolicyExplanationView>(`${s.meshPath}/explain/policy?${query}`);
  printAs(s.format, answer, () => policyText(answer));
}

async function showRequest(s: Session, text: string, { from = '', header = [] }: Flags): Promise<void> {
  const [first = '', second, ...more] = text.trim().split(/\s+/);
  if (more.length > 0) throw new CliError(`--request ${text}: write METHOD URL: GET http://orders/v1/1`, EXIT.usage);
  const body = {
    from: proxyOf(s, from),
    ...(second === undefined ? { url: first } : { method: first, url: second }),
    headers: Object.fromEntries(header.map(headerOf)),
  };
  const answer = await s.rest.send<RequestExplanationView>('POST', `${s.meshPath}/explain/request`, { body });
  noteTrial(answer);
  printAs(s.format, answer, () => requestText(answer));
}

function headerOf(text: string): readonly [string, string] {
  const [, name, value = ''] = /^([^:\s]+):\s*(.*)$/.exec(text) ?? [];
  if (name === undefined) throw new CliError(`--header ${text}: write 'name: value'`, EXIT.usage);
  return [name, value];
}
