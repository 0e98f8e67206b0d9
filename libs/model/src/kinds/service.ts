import { z } from 'zod';
import { isDnsLabel } from '#libs/kernel';
import { defineKind, readBy } from '../define-kind.js';
import { labelMap } from '../metadata.js';
import { dnsLabel, notYet, refuseDuplicates, report, strict, text } from '../schema-parts.js';
import { claimedNames, hostnameList, hostnameViolations } from './hostnames.js';
import { portList, toPorts } from './service-ports.js';

/** A selector must say something: an empty one would select every instance of the namespace. */
const selectorLabels = () =>
  labelMap().superRefine((labels, sink) => {
    if (Object.keys(labels).length === 0)
      report(sink, 'too-few', 'must have at least one label; an empty selector would select everything');
  });

const isDependency = (value: string): boolean => {
  const parts = value.split('/');
  return parts.length <= 2 && parts.every(isDnsLabel);
};

const schema = strict({
  ports: portList().describe('Ports that callers use, 1 to 64, unique by name and by number.'),
  hostnames: hostnameList()
    .default([])
    .describe(
      'Further host names, lower-case, unique in the mesh. The service always has `<name>.<namespace>` and `<name>.<namespace>.<mesh>.mesh`. Default: none.',
    ),
  selector: strict({
    matchLabels: selectorLabels().describe('Labels that an instance of the namespace must all have been granted.'),
    matchExpressions: notYet('write matchLabels'),
  })
    .optional()
    .describe("Which instances of its namespace serve it. Default: those of the workload with the service's name."),
  subsets: z
    .array(
      strict({
        name: dnsLabel().describe('Name by which routes pick the subset.'),
        labels: selectorLabels().describe('Labels beyond the selector that an instance of the subset has.'),
      }),
    )
    .max(64)
    .default([])
    .superRefine((subsets, sink) =>
      refuseDuplicates(
        sink,
        subsets.map((subset) => subset.name),
        'the subset',
        'name',
      ),
    )
    .describe('Named parts of the service, such as versions. Default: none.'),
  dependencies: z
    .array(
      text('invalid-name', (value) =>
        isDependency(value) ? undefined : 'must be "<service>" of the own namespace or "<namespace>/<service>"',
      ),
    )
    .max(1000)
    .default([])
    .describe("Services that the selected workloads call; used when the mesh's scoping is Declared. Default: none."),
});

/** Service: something that is called, by name and port. */
export const serviceKind = defineKind({
  kind: 'Service',
  plural: 'services',
  aliases: ['svc'],
  apiVersion: 'heddle.dev/v1alpha1',
  group: 'topology',
  scope: 'namespace',
  nameRule: 'label',
  summary: 'A service: what is called, with its ports, and which instances serve it.',
  spec: readBy(schema),
  check: (spec, place) => hostnameViolations(spec.hostnames, place),
  hostnames: (spec, place) => claimedNames(spec.hostnames, place),
  toDomain: (spec, place, source) => ({
    type: 'Service',
    value: {
      source,
      namespace: place.namespace,
      name: place.name,
      ports: toPorts(spec.ports),
      hostnames: spec.hostnames,
      selector: spec.selector?.matchLabels ?? { workload: place.name },
      subsets: spec.subsets.map(({ name, labels }) => ({ name, labels })),
      dependencies: spec.dependencies.map((name) => (name.includes('/') ? name : `${place.namespace}/${name}`)),
    },
  }),
});
