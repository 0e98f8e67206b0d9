/** Random meshes: what may be set in one, with names so few that things meet. */
import fc from 'fast-check';
import {
  aGrant,
  aMesh,
  anAddress,
  anInstance,
  aRoute,
  aService,
  backend,
  type Input,
  idOf,
  routeMatch,
  rule,
  servicePort,
} from '../builders/index.js';

const NAMESPACES = ['shop', 'team'];
const NAMES = ['a', 'b', 'c'];
const id = fc.tuple(fc.constantFrom(...NAMESPACES), fc.constantFrom(...NAMES)).map((parts) => parts.join('/'));

const service = fc
  .record({
    id,
    protocol: fc.constantFrom('http' as const, 'grpc' as const, 'tcp' as const),
    hostname: fc.constantFrom('', 'x.example.com', 'a.shop', 'y.example.com'),
    dependencies: fc.uniqueArray(id, { maxLength: 2 }),
    workload: fc.constantFrom(...NAMES),
  })
  .map((s) =>
    aService(s.id, {
      ports: [servicePort({ protocol: s.protocol })],
      hostnames: s.hostname === '' ? [] : [s.hostname],
      dependencies: s.dependencies,
      selector: { workload: s.workload },
      subsets: [{ name: 'green', labels: { version: 'green' } }],
    }),
  );
const route = fc
  .record({
    id,
    parent: id,
    to: fc.array(fc.tuple(id, fc.boolean(), fc.nat(2)), { maxLength: 3 }),
    path: fc.constantFrom('/', '/a', '/a/b'),
  })
  .map((r) => {
    const backends = r.to.map(([to, green, weight]) => backend(green ? `${to}/green` : to, { weight }));
    return aRoute(r.id, {
      parent: r.parent,
      rules: [rule({ backends, matches: [routeMatch({ path: { type: 'PathPrefix', value: r.path } })] })],
    });
  });
export const instance = fc
  .record({
    id,
    workload: fc.constantFrom(...NAMES),
    routable: fc.boolean(),
    srds: fc.boolean(),
    version: fc.constantFrom('blue', 'green'),
  })
  .map((i) =>
    anInstance(`${i.id}-1`, {
      workload: i.workload,
      labels: { workload: i.workload, version: i.version },
      routable: i.routable,
      features: i.srds ? ['base', 'srds'] : ['base'],
    }),
  );
const address = fc.tuple(id, fc.integer({ min: 1, max: 65535 })).map(([key, number]) => anAddress(key, number));
const mesh = fc
  .record({
    scoping: fc.constantFrom('All' as const, 'Declared' as const),
    mtls: fc.constantFrom('STRICT' as const, 'PERMISSIVE' as const),
  })
  .map((m) => aMesh(m));
const grant = fc.constantFrom(...NAMESPACES).map((ns) => aGrant(ns, ns === 'shop' ? 'team' : 'shop'));

/** Inputs with one value per key. */
export const inputs = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: service },
      { weight: 4, arbitrary: route },
      { weight: 4, arbitrary: instance },
      address,
      mesh,
      grant,
    ),
    { maxLength: 25 },
  )
  .map((list) => [...new Map(list.map((input) => [keyOf(input), input])).values()]);

/** Two inputs with one key set the same. */
export function keyOf(input: Input): string {
  if ('put' in input) return JSON.stringify(idOf(input.put));
  if ('instance' in input) return `instance ${input.instance.namespace}/${input.instance.name}`;
  if ('address' in input) return `address ${input.address[0]}`;
  throw new Error('only inputs that set something');
}
