import {
  err,
  isDnsLabel,
  isDnsSubdomain,
  ok,
  type ProxyIdentity,
  parseNodeId,
  pointer,
  type Result,
  type Violation,
} from '#libs/kernel';
import { cidrContains, parseCidr, parseIp, specialUse } from './ip-address.js';
import type { ProxyClaims } from './types.js';

/** What a proxy token is to permit. */
export interface TokenScope {
  readonly mesh: string;
  readonly namespace: string;
  readonly workload: string;
  /** One instance, or a prefix of at least one character followed by `*`. */
  readonly instance: string;
  /** `workload` is added. */
  readonly labels?: Readonly<Record<string, string>>;
  /** CIDR blocks. */
  readonly addresses?: readonly string[];
}

/** What a registration claims. */
export interface Registration {
  readonly namespace: string;
  readonly workload: string;
  readonly instance: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Every address that the mesh would dial or that the sidecar binds for the mesh; not the application's own. */
  readonly addresses: readonly string[];
}

const LABEL_KEY = /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const LABEL_VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;
const MAX_LABELS = 32;
const MAX_ADDRESSES = 32;

const violation = (code: string, path: string, message: string): Violation => ({ code, path, message });

/** Checks a scope and fills it in; all violations are reported. */
export function parseScope(scope: TokenScope): Result<Required<TokenScope>, Violation[]> {
  const labels = { ...scope.labels, workload: scope.workload };
  const addresses = scope.addresses ?? [];
  const violations = [
    ...(['mesh', 'namespace', 'workload'] as const)
      .filter((part) => !isDnsLabel(scope[part]))
      .map((part) =>
        violation(
          'dns-label',
          pointer(part),
          `${part} is a DNS label: at most 63 lower-case letters, digits and hyphens`,
        ),
      ),
    ...instanceViolations(scope.instance),
    ...labelViolations(scope),
    ...addresses
      .map((address, index) => ({ address, index }))
      .filter(({ address }) => parseCidr(address) === undefined)
      .map(({ index }) =>
        violation(
          'cidr',
          pointer('addresses', index),
          'write a CIDR block such as 10.1.0.0/16 or 10.1.2.3/32, with no bits set beyond the prefix',
        ),
      ),
    ...(addresses.length > MAX_ADDRESSES
      ? [violation('too-many', '/addresses', `at most ${MAX_ADDRESSES} CIDR blocks`)]
      : []),
  ];
  return violations.length > 0 ? err(violations) : ok({ ...scope, labels, addresses });
}

function instanceViolations(instance: string): Violation[] {
  // A prefix must be able to begin a name; the name itself is checked when it is used.
  const name = instance.endsWith('*') ? `${instance.slice(0, -1)}0` : instance;
  if (instance !== '*' && isDnsSubdomain(name)) return [];
  return [
    violation(
      'instance',
      '/instance',
      'an instance is a DNS name, or the beginning of one followed by *, such as web-*',
    ),
  ];
}

function labelViolations({ labels = {}, workload }: TokenScope): Violation[] {
  const entries = Object.entries(labels);
  const violations = entries
    .filter(([key, value]) => !LABEL_KEY.test(key) || !LABEL_VALUE.test(value))
    .map(([key]) =>
      violation(
        'label',
        pointer('labels', key),
        'label keys and values are letters, digits, ".", "_" and "-", at most 63 characters',
      ),
    );
  if (entries.length > MAX_LABELS) violations.push(violation('too-many', '/labels', `at most ${MAX_LABELS} labels`));
  if (entries.some(([key, value]) => key === 'workload' && value !== workload)) {
    violations.push(violation('label', '/labels/workload', 'the label "workload" is the name of the workload'));
  }
  return violations;
}

/** True if the granted name, which may be a prefix with `*`, covers the instance. */
function coversInstance(granted: string, instance: string): boolean {
  if (!isDnsSubdomain(instance)) return false;
  return granted.endsWith('*') ? instance.startsWith(granted.slice(0, -1)) : granted === instance;
}

/**
 * Judges a registration by the credential alone (SEC-13): nobody joins a service uninvited, and nobody becomes an
 * endpoint under an address that means something else to whoever dials it.
 */
export function covers(claims: ProxyClaims, registration: Registration): Result<true, Violation[]> {
  const violations: Violation[] = [];
  for (const part of ['namespace', 'workload'] as const) {
    if (registration[part] !== claims[part]) {
      violations.push(violation('outside-token', pointer(part), `the token is for ${part} ${claims[part]}`));
    }
  }
  if (!coversInstance(claims.instance, registration.instance)) {
    violations.push(violation('outside-token', '/instance', `the token is for instance ${claims.instance}`));
  }
  for (const [key, value] of Object.entries(registration.labels)) {
    if (!Object.hasOwn(claims.labels, key) || claims.labels[key] !== value) {
      violations.push(violation('outside-token', pointer('labels', key), 'the token does not grant this label'));
    }
  }
  registration.addresses.forEach((address, index) => {
    const refusal = refuseAddress(claims.addresses, address);
    if (refusal) violations.push(violation('outside-token', pointer('addresses', index), refusal));
  });
  return violations.length > 0 ? err(violations) : ok(true);
}

/** Why an address may not be registered, or `undefined`. */
function refuseAddress(granted: readonly string[], text: string): string | undefined {
  const address = parseIp(text);
  if (!address) return 'an address is an IPv4 or IPv6 address in its usual notation';
  if (
    granted.some((block) => {
      const cidr = parseCidr(block);
      return cidr !== undefined && cidrContains(cidr, address);
    })
  ) {
    return undefined;
  }
  const special = specialUse(address);
  if (special) return `a ${special} address needs a token that grants it by CIDR`;
  return granted.length > 0 ? `the token grants ${granted.join(', ')}` : undefined;
}

/**
 * Judges the node id of a stream by its credential (SEC-1): it selects an instance inside the credential's scope and
 * nothing else.
 */
export function admitNode(claims: ProxyClaims, nodeId: string): Result<ProxyIdentity, string> {
  const node = parseNodeId(nodeId);
  if (!node) return err('node.id is <mesh>/<namespace>/<workload>/<instance>');
  for (const part of ['mesh', 'namespace', 'workload'] as const) {
    if (node[part] !== claims[part]) return err(`the token is for ${part} ${claims[part]}`);
  }
  if (!coversInstance(claims.instance, node.instance)) return err(`the token is for instance ${claims.instance}`);
  return ok(node);
}
