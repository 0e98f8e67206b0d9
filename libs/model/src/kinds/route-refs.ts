/** `parentRefs` and `backendRefs`, shared by HTTPRoute and GRPCRoute. */
import { z } from 'zod';
import type { Backend, Route } from '../domain.js';
import { dnsLabel, dnsSubdomain, type IssueSink, notYet, portNumber, quote, report, strict } from '../schema-parts.js';

const GATEWAY = 'gateway.networking.k8s.io';
const OWN = 'heddle.dev';
/** Kinds of parents that the Gateway API knows and Heddle does not serve yet. */
const LATER_PARENTS: ReadonlySet<string> = new Set(['Gateway', 'ListenerSet', 'XListenerSet']);

const groupName = () => z.string().max(253);
const kindName = () => z.string().min(1).max(63);

/** Service is `group: ""` or ours; ExternalService is ours. An absent group is taken from the kind. */
function checkGroup(
  ref: { readonly group?: string | undefined },
  kind: 'Service' | 'ExternalService',
  sink: IssueSink,
): void {
  const groups = kind === 'Service' ? ['', OWN] : [OWN];
  if (ref.group === undefined || groups.includes(ref.group)) return;
  report(
    sink,
    'invalid-target',
    `must be ${groups.map(quote).join(' or ')} for kind ${kind}, not ${quote(ref.group)}`,
    ['group'],
  );
}

const isServiceKind = (kind: string | undefined): kind is 'Service' | 'ExternalService' =>
  kind === 'Service' || kind === 'ExternalService';

const parentRef = strict({
  group: groupName()
    .optional()
    .describe(`Group of the parent: "" or ${OWN} for Service, ${OWN} for ExternalService. Default: by the kind.`),
  kind: kindName()
    .optional()
    .describe(
      'Service or ExternalService: the route applies to what their callers send. Default: Gateway, which is not implemented yet.',
    ),
  namespace: dnsLabel()
    .optional()
    .describe("Namespace of the parent; another one needs a ReferenceGrant there. Default: the route's."),
  name: dnsSubdomain().describe('Name of the parent.'),
  sectionName: notYet('write the port number in port'),
  port: portNumber()
    .optional()
    .describe('Port of the parent that the route applies to, 1 to 65535. Default: all of them.'),
}).superRefine((ref, sink) => {
  const { kind = 'Gateway' } = ref;
  if (isServiceKind(kind)) return checkGroup(ref, kind, sink);
  if (LATER_PARENTS.has(kind)) {
    const hint = ref.kind === undefined ? ' (the default of the Gateway API)' : '';
    return report(
      sink,
      'not-implemented-yet',
      `${kind}${hint} is not implemented yet; write kind: Service with group: ""`,
      ['kind'],
    );
  }
  return report(sink, 'invalid-target', `must be Service or ExternalService, not ${quote(kind)}`, ['kind']);
});

/** `parentRefs`: what the route applies to. */
export const parentRefs = () =>
  z
    .array(parentRef)
    .max(32)
    .default([])
    .superRefine((refs, sink) => {
      const seen = new Set<string>();
      for (const [index, { kind, namespace, name, port }] of refs.entries()) {
        const key = [kind, namespace, name, port].join('/');
        if (seen.has(key)) report(sink, 'duplicate', 'repeats a parent; each may be written once', [index]);
        seen.add(key);
      }
    })
    .describe('Services whose callers use this route, at most 32.');

/** The reference to a Service or ExternalService inside backendRefs and mirrors. */
export const backendObject = {
  group: groupName()
    .optional()
    .describe(`Group of the backend: "" or ${OWN} for Service, ${OWN} for ExternalService. Default: by the kind.`),
  kind: kindName().optional().describe('Service or ExternalService. Default: Service.'),
  namespace: dnsLabel()
    .optional()
    .describe("Namespace of the backend; another one needs a ReferenceGrant there. Default: the route's."),
  name: dnsSubdomain().describe('Name of the backend.'),
  port: portNumber().optional().describe('Port of the backend as its callers write it, 1 to 65535. Required.'),
  subset: dnsLabel().optional().describe('Subset of the Service that gets the traffic. Default: all of the service.'),
};

interface BackendObject {
  readonly group?: string | undefined;
  readonly kind?: string | undefined;
  readonly namespace?: string | undefined;
  readonly name: string;
  readonly port?: number | undefined;
  readonly subset?: string | undefined;
}

/** Rules of the reference that need more than one field. */
export function checkBackend(ref: BackendObject, sink: IssueSink): void {
  const { kind = 'Service' } = ref;
  if (isServiceKind(kind)) checkGroup(ref, kind, sink);
  else report(sink, 'invalid-target', `must be Service or ExternalService, not ${quote(kind)}`, ['kind']);
  if (ref.port === undefined) report(sink, 'required', 'is required: the port of the backend', ['port']);
  if (kind === 'ExternalService' && ref.subset !== undefined) {
    report(sink, 'conflict', 'must be left out: an ExternalService has no subsets', ['subset']);
  }
}

/** The weight of a backend among those of its rule. */
export const weight = () =>
  z
    .int()
    .min(0)
    .max(1_000_000)
    .default(1)
    .describe(
      "Share of the rule's requests in proportion to the sum of weights, 0 to 1,000,000; 0 = none. Default: 1.",
    );

/** A checked reference as the domain has it. */
export const toBackendObject = (
  ref: BackendObject,
  namespace: string,
): Pick<Backend, 'kind' | 'namespace' | 'name' | 'port' | 'subset'> => ({
  kind: ref.kind === 'ExternalService' ? 'ExternalService' : 'Service',
  namespace: ref.namespace ?? namespace,
  name: ref.name,
  port: ref.port ?? 0,
  subset: ref.subset ?? '',
});

/** Checked parents as the domain has them. */
export const toParents = (refs: readonly z.infer<typeof parentRef>[], namespace: string): Route['parents'] =>
  refs.map((ref) => ({
    kind: ref.kind === 'ExternalService' ? 'ExternalService' : 'Service',
    namespace: ref.namespace ?? namespace,
    name: ref.name,
    port: ref.port,
  }));

/** apiVersion of routes. */
export const GATEWAY_V1 = `${GATEWAY}/v1`;
