import { z } from 'zod';
import { controlProblem, namedOnce, report, strict, text } from '#libs/model';

/** How much of a sidecar is scraped: paths of the listener for Prometheus in a sidecar's start-up file. */
export const METRIC_DETAILS = ['Full', 'Counts', 'Minimal'] as const;

/** Labels that Prometheus, Envoy or `heddle prometheus` give to series of sidecars. */
const TAKEN: ReadonlySet<string> = new Set([
  ...['job', 'instance', 'le', 'quantile', 'alertname'],
  ...['mesh', 'namespace', 'workload', 'service', 'version', 'zone'],
]);
const TAKEN_PREFIXES = ['__', 'destination_', 'envoy_', 'exported_', 'heddle_'];

/** What is wrong with the name of a label of series, as the end of a sentence. */
function labelNameProblem(name: string): string | undefined {
  const prefix = TAKEN_PREFIXES.find((one) => name.startsWith(one));
  if (prefix !== undefined)
    return `must not begin with "${prefix}", which is taken: choose another name, such as "team"`;
  if (TAKEN.has(name)) return `must not be "${name}", a label that series have already: choose another name`;
  return /^[a-zA-Z_][a-zA-Z0-9_]{0,62}$/.test(name)
    ? undefined
    : 'must be a label name of Prometheus: 1 to 63 letters, digits and "_", not a digit first';
}

const metricTag = strict({
  name: text('invalid-name', labelNameProblem).describe('The label: 1 to 63 letters, digits and "_".'),
  literal: text('invalid-value', controlProblem).min(1).max(128).optional().describe('A fixed value.'),
  label: z
    .string()
    .min(1)
    .max(317)
    .optional()
    .describe('The value of this label of the instance; the tag is left out when it has none.'),
}).superRefine(({ literal, label }, sink) => {
  if ((literal === undefined) === (label === undefined))
    report(sink, literal === undefined ? 'required' : 'conflict', 'must have exactly one of literal or label');
});
export type MetricTagSpec = z.infer<typeof metricTag>;

export const metricTags = z.array(metricTag).max(16).superRefine(namedOnce('the tag'));
