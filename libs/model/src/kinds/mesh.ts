import { z } from 'zod';
import { defineKind, readBy } from '../define-kind.js';
import { refuseDuplicates, report, strict, text } from '../schema-parts.js';
import { isTrustDomain } from '../spiffe.js';

const trustDomain = () =>
  text('invalid-trust-domain', (value) =>
    isTrustDomain(value) ? undefined : 'must be a SPIFFE trust domain: DNS labels joined by dots, lower-case',
  );

const schema = strict({
  trustDomain: trustDomain()
    .optional()
    .describe(
      'Trust domain of the identities in this mesh. Default: `<mesh>.heddle.local`. Certificates of another trust domain are refused.',
    ),
  trustDomainAliases: z
    .array(trustDomain())
    .max(4)
    .default([])
    .superRefine((names, sink) => refuseDuplicates(sink, names, 'the trust domain'))
    .describe(
      'Further trust domains under which identities of this mesh count, with certificates of its own authority only: for moving to another trust domain without a failed request. At most 4. Default: none.',
    ),
  mtls: strict({
    mode: z
      .enum(['STRICT', 'PERMISSIVE'])
      .default('STRICT')
      .describe(
        'STRICT: sidecars take mutual TLS only. PERMISSIVE: plaintext too, for moving services into the mesh. Default: STRICT.',
      ),
  })
    .optional()
    .describe('Mutual TLS between sidecars.'),
  scoping: z
    .enum(['All', 'Declared', 'Observed'])
    .default('All')
    .superRefine((value, sink) => {
      if (value === 'Observed')
        report(sink, 'not-implemented-yet', 'Observed is not implemented yet; write All or Declared');
    })
    .describe(
      'Which services a sidecar knows. All: every service of the mesh. Declared: the `dependencies` of the services that select its workload. Default: All.',
    ),
});

/** Mesh: the unit of isolation, with its own certificate authority and trust domain. */
export const meshKind = defineKind({
  kind: 'Mesh',
  plural: 'meshes',
  apiVersion: 'heddle.dev/v1alpha1',
  group: 'topology',
  scope: 'mesh',
  nameRule: 'label',
  summary: 'A mesh: the unit of isolation, with its own certificate authority, trust domain and defaults.',
  spec: readBy(schema),
  toDomain: (spec, place) => ({
    type: 'Mesh',
    value: {
      name: place.name,
      trustDomain: spec.trustDomain ?? `${place.name}.heddle.local`,
      trustDomainAliases: spec.trustDomainAliases,
      mtls: spec.mtls?.mode ?? 'STRICT',
      scoping: spec.scoping === 'Declared' ? 'Declared' : 'All',
    },
  }),
});
