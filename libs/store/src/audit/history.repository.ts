import type { ResourceId } from '#libs/model';
import type { Database } from '../database.js';
import type { HistoryEntry } from '../ports.js';
import { historyFloor, readAt, readHistory } from './history.js';
import type { History, HistoryQuery, Origin, PastResource, WrittenResource } from './history.port.js';
import { readOrigins } from './origins.js';

/** The past of resources. */
export class HistoryRepository implements History {
  constructor(private readonly database: Database) {}

  list(query: HistoryQuery): Promise<readonly HistoryEntry[]> {
    return readHistory(this.database, query);
  }

  at(mesh: string, id: ResourceId, revision: number): Promise<PastResource | undefined> {
    return readAt(this.database, mesh, id, revision);
  }

  origins(mesh: string, resources: readonly WrittenResource[]): Promise<readonly Origin[]> {
    return readOrigins(this.database, mesh, resources);
  }

  floor(): Promise<number> {
    return historyFloor(this.database);
  }
}
