import type { Database } from '../database.js';
import type { HeldResource, InstanceThen, Span, SpanAt, SpanBatch, Spans, When } from '../ports.js';
import { contentOf, instancesAt, resourcesOf, spanAt, spanOfRevision } from './read.js';
import { writeSpans } from './write.js';

/** What proxies ran. */
export class SpanRepository implements Spans {
  constructor(private readonly database: Database) {}

  write(replica: string, batch: SpanBatch): Promise<void> {
    return this.database.transaction((sql) => writeSpans(sql, replica, batch));
  }

  at(mesh: string, instance: string, when: When): Promise<SpanAt> {
    return this.database.transaction((sql) => spanAt(sql, mesh, instance, when), { isolation: 'snapshot' });
  }

  ofRevision(mesh: string, instance: string, revision: number): Promise<Span | undefined> {
    return spanOfRevision(this.database, mesh, instance, revision);
  }

  resources(mesh: string, manifests: readonly string[]): Promise<readonly HeldResource[]> {
    return this.database.transaction((sql) => resourcesOf(sql, mesh, manifests), { isolation: 'snapshot' });
  }

  content(mesh: string, type: string, hash: string): Promise<Uint8Array | undefined> {
    return contentOf(this.database, mesh, type, hash);
  }

  instancesAt(mesh: string, namespaces: readonly string[], time: string): Promise<readonly InstanceThen[]> {
    return instancesAt(this.database, mesh, namespaces, time);
  }
}
