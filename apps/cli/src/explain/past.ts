/** What a proxy was running, and what it would be, for people. */
import { stringify } from 'yaml';
import type { ProxyOfRevisionView, ProxyThenView } from '#libs/api';
import type { EnvoyResource, InstanceOfService } from '#libs/changes';
import { printable, table } from '../output.js';
import { hiddenLine, type Line, line, MOST, print, proxy, section } from './render.js';

const of = ({ about }: Pick<EnvoyResource, 'about'>): string => `${about.kind} ${about.namespace}/${about.name}`;
const joined = (parts: readonly string[]): string => parts.filter((part) => part !== '').join('\n');
/** Enough of a hash to compare two of them. */
const short = (hash: string): string => hash.slice(0, 12);

export function thenText(answer: ProxyThenView): string {
  const { resource, hidden } = answer;
  if (resource) return joined([heading(answer), contentText(answer, resource)]);
  const rows = answer.resources.map((one) => [
    ...[one.type, one.name, of(one), short(one.hash)],
    one.revision === undefined ? '' : `r${one.revision}`,
  ]);
  const refused = answer.refused.map(({ type, name, message }) => line(`${type} ${name}: ${message}`));
  return joined([
    heading(answer),
    table(['type', 'name', 'of', 'hash', 'since'], rows),
    print([
      ...section('refused: it ran what it had before', refused),
      ...section('instances then, of the services that it calls', serviceLines(answer)),
    ]),
    hiddenLine(hidden),
  ]);
}

function heading({
  proxy: name,
  registered,
  at,
  attached,
  replica,
  since,
  until,
  revision,
  meshRevision,
}: ProxyThenView): string {
  const held = `held from ${since} ${until === undefined ? 'until now' : `to ${until}`}`;
  return print([
    line(`${proxy(name)} at ${at}`, [
      line(`revision ${revision}, the last that changed what it has; the mesh was at ${meshRevision}`),
      line(
        attached
          ? `attached to ${replica}, ${held}`
          : `not attached to a replica then: this is what it had last, ${held} at ${replica}`,
      ),
      ...(registered ? [] : [line('it is not registered any more')]),
    ]),
  ]);
}

function contentText({ refused }: ProxyThenView, resource: NonNullable<ProxyThenView['resource']>): string {
  const { type, name, hash, content, change, firstSeen } = resource;
  const by = change === undefined ? '' : `, since ${change.change} of ${change.at}`;
  const newer = refused.filter((one) => one.type === type && one.name === name);
  return joined([
    print([
      line(`${type} ${name} ${short(hash)}${by}`, [
        ...(firstSeen === undefined ? [] : [line(`first confirmed by a proxy at ${firstSeen}`)]),
        ...newer.map(({ message }) => line(`a newer one was refused: ${message}`)),
      ]),
    ]),
    content === undefined ? '(its content is not kept any more)' : printable(stringify(content)),
  ]);
}

function serviceLines({ services, gone }: ProxyThenView): readonly Line[] {
  const lines = services.map(({ about, instances }) =>
    line(`${about.kind} ${about.namespace}/${about.name}: ${instances.length === 0 ? 'none' : states(instances)}`),
  );
  return gone.length === 0 ? lines : [...lines, line(`not registered any more: ${states(gone)}`)];
}

function states(instances: readonly InstanceOfService[]): string {
  const named = instances.slice(0, MOST).map(({ name, state }) => `${name} ${state}`);
  const more = instances.length - named.length;
  return [...named, ...(more > 0 ? [`and ${more} more (-o json)`] : [])].join(', ');
}

const TODAY = { same: 'same', other: 'another content', none: 'not there' };

export function ofRevisionText(answer: ProxyOfRevisionView): string {
  const { proxy: name, revision, head, resource, resources, added, withheld, hidden } = answer;
  const title = print([
    line(`${proxy(name)} of revision ${revision}; the newest is ${head}`, [
      line("recompiled, with today's compiler and today's instances: --at says what it was really running"),
    ]),
  ]);
  if (resource) {
    const { type, content, hash, now } = resource;
    const about = `${type} ${resource.name} ${short(hash)}, today: ${TODAY[now]}`;
    return joined([title, print([line(about)]), printable(stringify(content))]);
  }
  const rows = resources.map((one) => [one.type, one.name, of(one), short(one.hash), TODAY[one.now]]);
  return joined([
    title,
    table(['type', 'name', 'of', 'hash', 'today'], rows),
    print([
      ...section(
        'only today',
        added.map((one) => line(`${one.type} ${one.name}`)),
      ),
      ...section(
        "left out: today's kinds do not accept them",
        withheld.map((one) => line(`${one.kind} ${one.namespace}/${one.name}`)),
      ),
    ]),
    hiddenLine(hidden),
  ]);
}
