/** A real mesh with traffic, and a real Prometheus that scrapes all of it. */

import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { freePort } from '#libs/launcher';
import { scrapeConfig } from '../../apps/cli/src/prometheus/scrape-config.js';
import { type Member, Mesh, sendRaw } from '../mesh/mesh.js';
import { Prometheus } from './prometheus.js';

const API = '/api/v1/meshes/default';

const SHOP = `
apiVersion: heddle.dev/v1alpha1
kind: Service
metadata: { name: orders, namespace: shop }
spec: { ports: [{ name: http, port: 8080, protocol: http }] }
---
apiVersion: heddle.dev/v1alpha1
kind: Service
metadata: { name: vault, namespace: shop }
spec: { ports: [{ name: http, port: 8080, protocol: http }] }
---
apiVersion: heddle.dev/v1alpha1
kind: AuthorizationPolicy
metadata: { name: nobody, namespace: shop }
spec: { targetRef: { kind: Service, name: vault }, action: ALLOW, rules: [] }
---
apiVersion: heddle.dev/v1alpha1
kind: Telemetry
metadata: { name: tags, namespace: shop }
spec:
  targetRef: { kind: Mesh, name: default }
  metrics: { tags: [{ name: team, literal: shopping }, { name: color, label: version }] }
---
apiVersion: heddle.dev/v1alpha1
kind: Telemetry
metadata: { name: vault, namespace: shop }
spec: { targetRef: { kind: Workload, name: vault }, metrics: { detail: Minimal } }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: orders, namespace: shop }
spec:
  parentRefs: [{ group: '', kind: Service, name: orders }]
  rules:
    - matches: [{ path: { type: PathPrefix, value: /flaky } }]
      backendRefs: [{ name: orders, port: 8080 }]
      retry: { attempts: 1, codes: [503], backoff: 25ms }
    - matches: [{ path: { type: PathPrefix, value: / } }]
      backendRefs: [{ name: orders, port: 8080 }]
---
apiVersion: heddle.dev/v1alpha1
kind: AlertRule
metadata: { name: orders-failing, namespace: shop }
spec: { for: 1s, severity: critical, signal: { aggregate: FailurePercent, service: orders, above: 5, window: 1m, by: Service } }
---
apiVersion: heddle.dev/v1alpha1
kind: AlertRule
metadata: { name: orders-fine, namespace: shop }
spec: { for: 0s, signal: { aggregate: FailurePercent, service: orders, above: 99, window: 1m } }
---
apiVersion: heddle.dev/v1alpha1
kind: AlertRule
metadata: { name: orders-slow, namespace: shop }
spec: { for: 1s, signal: { aggregate: Latency, service: orders, quantile: 0.9, slowerThan: 20ms, window: 1m } }
---
apiVersion: heddle.dev/v1alpha1
kind: AlertRule
metadata: { name: orders-again, namespace: shop }
spec: { for: 1s, signal: { aggregate: AttemptsPerRequest, service: orders, above: 1.01, window: 1m } }
---
apiVersion: heddle.dev/v1alpha1
kind: AlertRule
metadata: { name: authority-ends, namespace: shop }
spec: { for: 0s, scope: Mesh, authorityExpiry: { within: 99999h } }
---
apiVersion: heddle.dev/v1alpha1
kind: ServiceLevelObjective
metadata: { name: available, namespace: shop }
spec: { targetRef: { kind: Service, name: orders }, objective: 99.9, availability: {} }
---
apiVersion: heddle.dev/v1alpha1
kind: ServiceLevelObjective
metadata: { name: fast, namespace: shop }
spec: { targetRef: { kind: Service, name: orders }, objective: 99.9, latency: { threshold: 20ms } }
---
apiVersion: heddle.dev/v1alpha1
kind: ServiceLevelObjective
metadata: { name: within-a-minute, namespace: shop }
spec: { targetRef: { kind: Service, name: orders }, objective: 99.9, latency: { threshold: 30s } }
`;

const TOO_LARGE = `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: too-large, namespace: shop }
spec:
  parentRefs: [{ group: '', kind: Service, name: vault }]
  rules:
    - matches: [{ path: { type: RegularExpression, value: '/[a-z]{1,40}/[0-9]{1,40}' } }]
      backendRefs: [{ name: vault, port: 8080 }]
`;

/** Answers at once, late, with 503, or with 503 the first time. */
const application = () =>
  createServer((request, response) => {
    const path = request.url ?? '';
    const isFirst = request.headers['x-envoy-attempt-count'] === '1';
    response.statusCode = path === '/fail' || (path === '/flaky' && isFirst) ? 503 : 200;
    setTimeout(() => response.end('orders'), path === '/slow' ? 40 : 0);
  });

/** A third is slow, a sixth fails. */
const PATHS = ['/', '/slow', '/fail', '/', '/slow', '/flaky'];

export class PrometheusRig {
  #calling = true;
  readonly #calls: Promise<void>;

  private constructor(
    readonly mesh: Mesh,
    readonly prometheus: Prometheus,
    /** The one that calls the others first. */
    readonly members: readonly [Member, ...Member[]],
    /** What Prometheus was given. */
    readonly files: { readonly rules: string; readonly config: string },
  ) {
    this.#calls = this.#call();
  }

  static async start(): Promise<PrometheusRig> {
    const mesh = await Mesh.start();
    await mesh.apply(SHOP);
    const metricsPort = await freePort('127.0.40.41');
    const orders = await mesh.join('orders', 41, { metricsPort, application, labels: { version: 'blue' } });
    const vault = await mesh.join('vault', 42, { metricsPort, version: '1.36.4' });
    const web = await mesh.join('web', 43, { metricsPort, maxRegexProgram: 50 });
    const { controlPlane, dir } = mesh;
    const [token, rules] = [join(dir, 'heddle-token'), join(dir, 'rules.yaml')];
    const made = await controlPlane.request<{ token: string }>('POST', '/api/v1/tokens', {
      name: 'prometheus',
      role: 'viewer',
    });
    writeFileSync(token, made.token);
    const answer = await fetch(`${controlPlane.url}${API}/alerts/prometheus-rules`, {
      headers: { authorization: `Bearer ${made.token}` },
    });
    writeFileSync(rules, await answer.text());
    const scraped = scrapeConfig({ server: controlPlane.url, mesh: 'default', tokenFile: token, interval: '1s' });
    const config = `global: { evaluation_interval: 1s }\nrule_files: [${rules}]\n${scraped}`;
    const prometheus = await Prometheus.start(config, join(dir, 'prometheus'));
    const files = { rules, config: join(dir, 'prometheus', 'prometheus.yml') };
    return new PrometheusRig(mesh, prometheus, [web, orders, vault], files);
  }

  /** Certificate of the control plane's authority, PEM. */
  async authority(): Promise<string> {
    return (await this.mesh.controlPlane.request<{ readonly caPem: string }>('GET', '/api/v1/bootstrap')).caPem;
  }

  /** Makes the sidecar of web refuse its routes. */
  async refused(): Promise<void> {
    await this.mesh.apply(TOO_LARGE);
  }

  async stop(): Promise<void> {
    this.#calling = false;
    await this.#calls;
    await this.prometheus.stop();
    await this.mesh.stop();
  }

  async #call(): Promise<void> {
    const [web] = this.members;
    let count = 0;
    while (this.#calling) {
      await sendRaw(web, { host: 'orders', path: PATHS[count % PATHS.length] ?? '/' });
      if (count % 10 === 0) await sendRaw(web, { host: 'vault', path: '/' });
      if (count % 10 === 5) await sendRaw(web, { host: 'nobody.example.com', path: '/' });
      count += 1;
    }
  }
}
