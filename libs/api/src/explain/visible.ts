/** Explanations without what the caller may not read, and how much that was: "and 14 others". */
import type {
  EnvoyResource,
  ExplainedNode,
  Known,
  OwnField,
  PolicyExplanation,
  PolicyField,
  ProxyName,
  RequestExplanation,
  ResourceExplanation,
} from '#libs/changes';
import type { ResourceId } from '#libs/model';
import type { Seen } from '../access/access-control.js';
import type { PolicyExplanationView, RequestExplanationView, ResourceExplanationView, Told } from '../views.js';

export type MaySee = (seen: Seen) => boolean;

/** Leaves out labels, wherever they are. */
export function told<T>(value: T): Told<T> {
  return strip(value) as Told<T>;
}

function strip(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(strip);
  if (typeof value !== 'object' || value === null) return value;
  const isKnown = 'kind' in value && 'namespace' in value && 'name' in value && 'labels' in value;
  const entries = Object.entries(value).filter(([name]) => !(isKnown && name === 'labels'));
  return Object.fromEntries(entries.map(([name, member]) => [name, strip(member)]));
}

export const proxySeen = ({ namespace, instance }: ProxyName): ResourceId => ({
  ...{ kind: 'Proxy', namespace, name: instance },
});

/** Counts what it leaves out. */
export class Filter {
  #hidden = 0;

  constructor(private readonly may: MaySee) {}

  get hidden(): number {
    return this.#hidden;
  }

  /** Those that the caller may read. */
  only<T>(items: readonly T[], seen: (item: T) => Seen | undefined): readonly T[] {
    return items.filter((item) => {
      const what = seen(item);
      const shown = what === undefined || this.may(what);
      if (!shown) this.#hidden += 1;
      return shown;
    });
  }

  resources<T extends EnvoyResource>(items: readonly T[]): readonly T[] {
    return this.only(items, ({ about }) => about);
  }

  /** A field is of who set it; of those who lost the caller learns whom he may read. */
  fields(fields: readonly PolicyField[]): readonly PolicyField[] {
    return this.only(fields, ({ from }) => from).map((field) => ({
      ...field,
      shadowed: this.only(field.shadowed, (one) => one),
    }));
  }

  own(fields: readonly OwnField[]): readonly OwnField[] {
    return this.only(fields, ({ from }) => from);
  }

  tree(root: ExplainedNode): ExplainedNode {
    const shown = this.#below(root);
    // Keys of indexes name what was looked for in all of the mesh.
    return this.#hidden === 0 ? shown : withoutIndexes(shown);
  }

  /** A step that has nothing left below it goes, too: its words say what that was. */
  #below(node: ExplainedNode): ExplainedNode {
    const from = this.only(node.from, seenOf).flatMap((one) => {
      const shown = this.#below(one);
      return shown.from.length === 0 && one.from.length > 0 ? [] : [shown];
    });
    return { ...node, from };
  }
}

const withoutIndexes = (node: ExplainedNode): ExplainedNode => ({
  ...node,
  from: node.from.filter(({ type }) => type !== 'index' && type !== 'input').map(withoutIndexes),
});

function seenOf({ written, instance }: ExplainedNode): Seen | undefined {
  if (written) return written;
  return instance && { kind: 'Instance', namespace: instance.namespace, name: instance.instance };
}

export function visibleResource(may: MaySee, explanation: ResourceExplanation): ResourceExplanationView {
  const filter = new Filter(may);
  const shown = {
    ...explanation,
    tree: filter.tree(explanation.tree),
    policies: filter.fields(explanation.policies),
    own: filter.own(explanation.own),
  };
  return { ...told(shown), hidden: filter.hidden };
}

export function visiblePolicy(may: MaySee, explanation: PolicyExplanation): PolicyExplanationView {
  const [resources, proxies, scraped, others] = [new Filter(may), new Filter(may), new Filter(may), new Filter(may)];
  const shown = {
    ...explanation,
    resources: resources.resources(explanation.resources),
    proxies: proxies.only(explanation.proxies, proxySeen),
    scraped: scraped.only(explanation.scraped, proxySeen),
    sets: others.fields(explanation.sets),
    loses: others.fields(explanation.loses),
  };
  return {
    ...told(shown),
    hidden: {
      ...{ resources: resources.hidden, proxies: proxies.hidden, scraped: scraped.hidden },
      fields: others.hidden,
    },
  };
}

export function visibleRequest(may: MaySee, explanation: RequestExplanation): RequestExplanationView {
  const filter = new Filter(may);
  const { route } = explanation;
  const maySeeRoute = route?.by === undefined || may(route.by);
  const shown = {
    ...explanation,
    route: maySeeRoute ? route : undefined,
    clusters: filter.resources(explanation.clusters).map((cluster) => ({
      ...cluster,
      policies: filter.fields(cluster.policies),
      guards: filter.fields(cluster.guards),
      others: filter.only(cluster.others, ({ instance }) => ({
        ...{ kind: 'Instance', namespace: cluster.about.namespace, name: instance },
      })),
    })),
    policies: filter.fields(explanation.policies),
    own: filter.own(explanation.own),
    others: filter.only(explanation.others, ({ by }) => by),
  };
  return { ...told(shown), hidden: filter.hidden + (maySeeRoute ? 0 : 1) };
}

/** Whether the answer's own words name what the caller may not read. Who may read a route, reads its backends there. */
export function namesHidden(may: MaySee, { about, route, clusters }: RequestExplanation): boolean {
  const named: readonly (Known | undefined)[] = [
    about,
    route?.by,
    ...(route?.by ? [] : clusters.map((one) => one.about)),
  ];
  return named.some((one) => one !== undefined && !may(one));
}
