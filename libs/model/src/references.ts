import { pointer } from '#libs/kernel';
import type { AlertRule, ServiceLevelObjective } from './alerting.js';
import type { Mirror, Route, Service } from './domain.js';
import type { Policy } from './policy.js';
import type { DomainValue, Reference } from './registry.js';

/**
 * Everything that a resource refers to by name, in the order of the manifest. Dependencies of a Service are given as
 * kind Service, though an ExternalService of that name will do as well.
 */
export function referencesOf(value: DomainValue): readonly Reference[] {
  switch (value.type) {
    case 'Service':
      return dependencies(value.value);
    case 'Route':
      return routeReferences(value.value);
    case 'Policy':
      return targetReference(value.value);
    case 'ServiceLevelObjective':
      return objectiveReference(value.value);
    case 'AlertRule':
      return ruleReferences(value.value);
    case 'Mesh':
    case 'ExternalService':
    case 'ReferenceGrant':
    case 'AlertReceiver':
    case 'Role':
    case 'RoleBinding':
      return [];
  }
}

const DEPENDENCIES = pointer('spec', 'dependencies');

const dependencies = (service: Service): readonly Reference[] =>
  service.dependencies.map((dependency, index) => {
    const [namespace = '', name = ''] = dependency.split('/');
    return { path: `${DEPENDENCIES}/${index}`, to: { kind: 'Service', namespace, name }, port: undefined };
  });

function routeReferences(route: Route): readonly Reference[] {
  const parents = route.parents.map(({ kind, namespace, name, port }, index) => ({
    path: pointer('spec', 'parentRefs', index),
    to: { kind, namespace, name },
    port,
  }));
  const rules = route.rules.flatMap((rule, ruleIndex) => [
    ...rule.mirrors.map((mirror) => backendReference(mirrorPath(ruleIndex, mirror), mirror.backend)),
    ...rule.backends.map((backend, index) =>
      backendReference(pointer('spec', 'rules', ruleIndex, 'backendRefs', index), backend),
    ),
  ]);
  return [...parents, ...rules];
}

const mirrorPath = (rule: number, mirror: Mirror): string =>
  pointer('spec', 'rules', rule, 'filters', mirror.filterIndex ?? 0, 'requestMirror', 'backendRef');

const backendReference = (path: string, { kind, namespace, name, port, subset }: Mirror['backend']): Reference => ({
  path,
  to: { kind, namespace, name },
  port,
  ...(subset === '' ? {} : { subset }),
});

/** A policy refers to its target, unless that is its namespace or the mesh, which exist by being named. */
function targetReference({ target }: Policy): readonly Reference[] {
  if (target.level === 'Namespace' || target.level === 'Mesh') return [];
  const { kind, namespace, name } = target;
  return [{ path: pointer('spec', 'targetRef'), to: { kind, namespace, name }, port: undefined }];
}

const objectiveReference = ({ target, namespace, traffic }: ServiceLevelObjective): readonly Reference[] => [
  { path: pointer('spec', 'targetRef'), to: { ...target, namespace }, port: traffic.port },
];

function ruleReferences({ condition }: AlertRule): readonly Reference[] {
  if (condition.type !== 'Signal') return [];
  const { service, namespace, port, route } = condition.traffic;
  const found: Reference[] = [];
  if (service !== undefined && namespace !== undefined)
    found.push({ path: pointer('spec', 'signal', 'service'), to: { kind: 'Service', namespace, name: service }, port });
  if (route) {
    const { kind, name } = route;
    found.push({
      path: pointer('spec', 'signal', 'route'),
      to: { kind, namespace: route.namespace, name },
      port: undefined,
    });
  }
  return found;
}
