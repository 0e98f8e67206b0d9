import { z } from 'zod';
import { defineKind, readBy } from '../define-kind.js';
import { dnsLabel, dnsSubdomain, type IssueSink, report, strict } from '../schema-parts.js';

const GATEWAY = 'gateway.networking.k8s.io';

/** Kinds of the Gateway API that may hold references; those of Heddle's own group are policies. */
const ROUTES: ReadonlySet<string> = new Set(['HTTPRoute', 'GRPCRoute']);
const LATER: ReadonlySet<string> = new Set(['Gateway', 'TCPRoute', 'TLSRoute', 'UDPRoute', 'Secret', 'ConfigMap']);
const TARGETS: ReadonlySet<string> = new Set(['Service', 'ExternalService', 'HTTPRoute', 'GRPCRoute']);

const kindName = () => z.string().min(1).max(63);
const groupName = () => z.string().max(253);

function checkFrom(from: { readonly group: string; readonly kind: string }, sink: IssueSink): void {
  if (LATER.has(from.kind)) report(sink, 'not-implemented-yet', `${from.kind} is not implemented yet`, ['kind']);
  else if (from.group === GATEWAY && !ROUTES.has(from.kind)) {
    report(sink, 'invalid-value', `must be HTTPRoute or GRPCRoute for group ${GATEWAY}`, ['kind']);
  } else if (from.group !== GATEWAY && from.group !== 'heddle.dev') {
    report(sink, 'invalid-value', `must be ${GATEWAY} (routes) or heddle.dev (policies)`, ['group']);
  }
}

function checkTo(to: { readonly group: string; readonly kind: string }, sink: IssueSink): void {
  if (LATER.has(to.kind)) report(sink, 'not-implemented-yet', `${to.kind} is not implemented yet`, ['kind']);
  else if (!TARGETS.has(to.kind)) report(sink, 'invalid-value', `must be one of ${[...TARGETS].join(', ')}`, ['kind']);
  else if (!groupsOf(to.kind).includes(to.group)) {
    report(
      sink,
      'invalid-value',
      `must be ${groupsOf(to.kind)
        .map((group) => `"${group}"`)
        .join(' or ')} for kind ${to.kind}`,
      ['group'],
    );
  }
}

function groupsOf(kind: string): readonly string[] {
  if (kind === 'Service') return ['', 'heddle.dev'];
  return kind === 'ExternalService' ? ['heddle.dev'] : [GATEWAY];
}

const schema = strict({
  from: z
    .array(
      strict({
        group: groupName().describe(`Group of the referring kind: ${GATEWAY} for routes, heddle.dev for policies.`),
        kind: kindName().describe('Kind that may refer, for example HTTPRoute.'),
        namespace: dnsLabel().describe('Namespace of the resources that may refer.'),
      }).superRefine(checkFrom),
    )
    .min(1)
    .max(16)
    .describe('Who may refer: any entry suffices.'),
  to: z
    .array(
      strict({
        group: groupName().describe('Group of the kind that is referred to; "" for Service.'),
        kind: kindName().describe('Kind that may be referred to: Service, ExternalService, HTTPRoute or GRPCRoute.'),
        name: dnsSubdomain()
          .optional()
          .describe('Name of the one resource that is meant. Default: every one of the kind in this namespace.'),
      }).superRefine(checkTo),
    )
    .min(1)
    .max(16)
    .describe('What may be referred to in the namespace of the grant.'),
});

/** ReferenceGrant: lets resources of other namespaces refer into its own. */
export const referenceGrantKind = defineKind({
  kind: 'ReferenceGrant',
  plural: 'referencegrants',
  aliases: ['refgrant'],
  apiVersion: `${GATEWAY}/v1beta1`,
  alsoAccepts: [`${GATEWAY}/v1`],
  group: 'topology',
  scope: 'namespace',
  nameRule: 'subdomain',
  summary: 'Lets routes and policies of other namespaces refer to resources of its own namespace.',
  spec: readBy(schema),
  toDomain: (spec, place, source) => ({
    type: 'ReferenceGrant',
    value: {
      source,
      namespace: place.namespace,
      from: spec.from.map(({ kind, namespace }) => ({ kind, namespace })),
      to: spec.to.map(({ kind, name }) => ({ kind, name })),
    },
  }),
});
