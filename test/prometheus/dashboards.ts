/** What the dashboards for Grafana ask of Prometheus. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const DIR = join(import.meta.dirname, '../../docs/grafana/dashboards');

export interface Asked {
  /** `<file>: <panel>: <legend>` */
  readonly name: string;
  readonly expression: string;
}

interface Variable {
  readonly name: string;
  readonly query: string | { readonly query: string };
}

interface Dashboard {
  readonly panels: readonly {
    readonly title: string;
    readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
  }[];
  readonly templating: { readonly list: readonly Variable[] };
}

/** As Grafana fills them in: every value of every variable, and four times the interval of scrapes. */
const filled = (expression: string): string =>
  expression.replaceAll('$__rate_interval', '15s').replaceAll(/\$(mesh|namespace|service)\b/g, '.*');

const read = (): (readonly [string, Dashboard])[] =>
  readdirSync(DIR).map((file) => [file, JSON.parse(readFileSync(join(DIR, file), 'utf8')) as Dashboard]);

export const panelQueries = (): Asked[] =>
  read().flatMap(([file, { panels }]) =>
    panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ expr, legendFormat }) => ({
        name: [file.replace('.json', ''), title, legendFormat].filter(Boolean).join(': '),
        expression: filled(expr),
      })),
    ),
  );

/** Selectors from which variables have their values, with the label. */
export const variableQueries = (): (Asked & { readonly label: string })[] =>
  read().flatMap(([file, { templating }]) =>
    templating.list.flatMap(({ name, query }) => {
      const text = typeof query === 'string' ? query : query.query;
      const [, expression, label] = /^label_values\((.+), (\w+)\)$/.exec(text) ?? [];
      return expression && label ? [{ name: `${file}: ${name}`, expression: filled(expression), label }] : [];
    }),
  );

/** Names of metrics in an expression, without what a histogram adds to its own. */
export const metricsIn = (expression: string): string[] =>
  [...expression.matchAll(/\b(?:envoy|heddle|xds|process)_\w+/g)]
    .map(([name]) => name)
    .filter(
      (name) => name !== 'envoy_cluster_name' && !/^envoy_(response_code_class|http_conn_manager_prefix)$/.test(name),
    )
    .map((name) => name.replace(/_bucket$/, ''));
