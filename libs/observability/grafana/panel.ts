/** Panels and dashboards of Grafana, made from what differs between them. The types are Grafana's own. */
import {
  type Dashboard,
  type DashboardLink,
  FieldColorModeId,
  type Panel,
  ThresholdsMode,
  type VariableModel,
} from '@grafana/schema';

/** One series, or several: what their legend says, and the expression. */
export type Query = readonly [legend: string, expression: string];

export interface Shown {
  readonly title: string;
  /** What it says, and when to worry. */
  readonly about: string;
  /** Grafana's name of the unit: `reqps`, `ms`, `s`, `percent`, `short`, `bytes`. */
  readonly unit: string;
  readonly queries: readonly Query[];
  /** `stat` is one number. Default: `timeseries`. */
  readonly as?: 'timeseries' | 'stat';
  /** Columns of 24; default 8, of a number 4. */
  readonly width?: number;
  /** Above the first it is yellow, above the second red. */
  readonly worry?: readonly [number, number];
}

/** Panels below a heading. */
export interface Section {
  readonly heading: string;
  readonly panels: readonly Shown[];
}

export interface Page {
  /** Stable: links lead to it. */
  readonly uid: string;
  readonly title: string;
  readonly about: string;
  readonly variables: readonly VariableModel[];
  readonly sections: readonly Section[];
}

const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };
const COLUMNS = 24;
const HEIGHT = { timeseries: 8, stat: 4 } as const;
const WIDTH = { timeseries: 8, stat: 4 } as const;

/** To the other dashboards, with time and variables. */
const LINKS: DashboardLink = {
  ...{ title: 'Heddle', type: 'dashboards', tags: ['heddle'], asDropdown: true, keepTime: true, includeVars: true },
  ...{ icon: '', tooltip: '', url: '', targetBlank: false },
};

/** Which Prometheus is asked; the first that there is. */
const datasource: VariableModel = {
  name: 'datasource',
  label: 'Prometheus',
  type: 'datasource',
  query: 'prometheus',
  hide: 0,
  refresh: 1,
};

/** Values of a label, of series that a selector finds; several, or all. */
export const labelVariable = (name: string, selector: string, label = name): VariableModel => ({
  ...{ name, label: name, type: 'query', datasource: DATASOURCE, hide: 0, refresh: 2, sort: 1 },
  query: { qryType: 1, query: `label_values(${selector}, ${label})`, refId: `variable-${name}` },
  ...{ multi: true, includeAll: true, allValue: '.*', current: { selected: true, text: ['All'], value: ['$__all'] } },
});

export function dashboard({ uid, title, about, variables, sections }: Page): Dashboard {
  const panels: Panel[] = [];
  let y = 0;
  for (const { heading, panels: shown } of sections) {
    panels.push(row(heading, y, panels.length + 1));
    y += 1;
    let x = 0;
    let height = 0;
    for (const one of shown) {
      const { as = 'timeseries' } = one;
      const w = one.width ?? WIDTH[as];
      if (x + w > COLUMNS) {
        y += height;
        x = 0;
        height = 0;
      }
      panels.push({ ...panel(one), id: panels.length + 1, gridPos: { x, y, w, h: HEIGHT[as] } });
      x += w;
      height = Math.max(height, HEIGHT[as]);
    }
    y += height;
  }
  return {
    uid,
    title,
    description: about,
    tags: ['heddle'],
    schemaVersion: 39,
    version: 1,
    editable: true,
    graphTooltip: 1,
    timezone: 'browser',
    refresh: '30s',
    time: { from: 'now-1h', to: 'now' },
    links: [LINKS],
    annotations: { list: [] },
    templating: { list: [datasource, ...variables] },
    panels,
  };
}

const row = (title: string, y: number, id: number): Panel => ({
  type: 'row',
  title,
  id,
  gridPos: { x: 0, y, w: COLUMNS, h: 1 },
});

function panel({ title, about, unit, queries, as = 'timeseries', worry }: Shown): Panel {
  const isNumber = as === 'stat';
  return {
    type: as,
    title,
    description: about,
    datasource: DATASOURCE,
    targets: queries.map(([legendFormat, expr], index) => ({
      refId: String.fromCharCode('A'.charCodeAt(0) + index),
      datasource: DATASOURCE,
      expr,
      legendFormat,
      ...(isNumber ? { instant: true, range: false } : { range: true }),
    })),
    fieldConfig: {
      defaults: {
        unit,
        min: 0,
        ...(worry ? thresholds(worry) : {}),
        ...(isNumber ? {} : { custom: { lineWidth: 1, fillOpacity: 10, showPoints: 'never', spanNulls: 60_000 } }),
      },
      overrides: [],
    },
    options: isNumber
      ? { reduceOptions: { calcs: ['lastNotNull'] }, colorMode: 'value', graphMode: 'none' }
      : { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
  };
}

const thresholds = ([yellow, red]: readonly [number, number]) => ({
  color: { mode: FieldColorModeId.Thresholds },
  thresholds: {
    mode: ThresholdsMode.Absolute,
    steps: [
      // Grafana's first step is -Infinity, which JSON writes as null.
      { value: null, color: 'green' },
      { value: yellow, color: 'yellow' },
      { value: red, color: 'red' },
    ],
  },
});
