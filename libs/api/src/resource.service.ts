import { Inject, Injectable } from '@nestjs/common';
import type { ChangeOutcome, ChangeRefusal } from '#libs/changes';
import type { Result } from '#libs/kernel';
import { type KindInfo, printId, type ResourceId } from '#libs/model';
import type { StoredResource } from '#libs/store';
import { AccessControl } from './access/access-control.js';
import { notPermitted } from './access/denials.js';
import { API_DEPS, type ApiDeps } from './deps.js';
import { actorOf, type HttpRequest, type HttpResponse, type Principal } from './http.js';
import { etagOf, expectedVersion, idempotencyKey, isCurrent, versionConflict } from './preconditions.js';
import { invalid, notFound, ProblemError } from './problem.js';
import type { ListParameters } from './query.js';
import { type ResourceView, viewOf } from './resource-view.js';
import { stagedProblem } from './staged/staged.answers.js';

/** Longest wait for this replica to compile a write before its answer, so that the answer's conditions are about it. */
const PUBLISHED_WITHIN_MS = 500;

/** One exchange about one resource. */
export interface Exchange {
  readonly mesh: string;
  readonly id: ResourceId;
  readonly request: HttpRequest;
  readonly response: HttpResponse;
}

/** Whose list of what. */
export interface Listing {
  readonly mesh: string;
  readonly kind: string;
  readonly namespace?: string | undefined;
  readonly caller: Principal | undefined;
}

/** What every kind's controller does; knows no kind. */
@Injectable()
export class ResourceService {
  constructor(
    @Inject(API_DEPS) private readonly deps: ApiDeps,
    @Inject(AccessControl) private readonly access: AccessControl,
  ) {}

  /** A page holds what the caller may read of it: it may be short, or empty, and still have a cursor. */
  async list(
    { caller, ...what }: Listing,
    { limit, cursor, labelSelector: labels }: ListParameters,
  ): Promise<{ items: ResourceView[]; cursor?: string }> {
    const page = await this.deps.store.resources.list({ ...what, labels, limit, cursor });
    const items = page.items
      .filter((row) => this.access.may(caller, 'list', what.mesh, row))
      .map((row) => viewOf(row, this.deps.runtime.conditions(what.mesh, row)));
    return { items, ...(page.cursor === undefined ? {} : { cursor: page.cursor }) };
  }

  async get(exchange: Exchange): Promise<ResourceView | undefined> {
    const { mesh, id, request, response } = exchange;
    const resource = await this.readable(exchange);
    response.setHeader('ETag', etagOf(resource.version));
    if (isCurrent(request, resource.version)) {
      response.statusCode = 304;
      return undefined;
    }
    return viewOf(resource, this.deps.runtime.conditions(mesh, id));
  }

  /** @throws ProblemError 404 when it is not there, or not for the caller: the two look alike (SEC-34) */
  private async readable({ mesh, id, request }: Exchange): Promise<StoredResource> {
    const row = await this.deps.store.resources.get(mesh, id.kind, id.namespace, id.name);
    if (row === undefined || !this.access.may(request.principal, 'get', mesh, row)) throw missing(id);
    return row;
  }

  async put(exchange: Exchange): Promise<ResourceView> {
    const { mesh, id, request, response } = exchange;
    const result = await this.deps.changes.put({
      ...this.context(mesh, request),
      id,
      document: request.body,
      ifVersion: expectedVersion(request),
    });
    const outcome = this.accepted(result);
    response.statusCode = outcome.items[0]?.op === 'created' ? 201 : 200;
    return this.written(exchange, outcome);
  }

  async patch(exchange: Exchange): Promise<ResourceView> {
    const { mesh, id, request, response } = exchange;
    const ifVersion = expectedVersion(request);
    // What is merged into must be for the caller: violations of the result would tell what is in it.
    await this.readable(exchange);
    const outcome = this.accepted(
      await this.deps.changes.patch({ ...this.context(mesh, request), id, patch: request.body, ifVersion }),
    );
    response.statusCode = 200;
    return this.written(exchange, outcome);
  }

  async remove({ mesh, id, request }: Exchange): Promise<ChangeOutcome> {
    const ifVersion = expectedVersion(request);
    const outcome = this.accepted(await this.deps.changes.remove({ ...this.context(mesh, request), id, ifVersion }));
    await this.access.follow(outcome);
    return outcome;
  }

  private accepted(result: Result<ChangeOutcome, ChangeRefusal>): ChangeOutcome {
    return accepted(result, this.deps.registry.kinds);
  }

  private context(mesh: string, request: HttpRequest) {
    const caller = this.access.onBehalfOf(request.principal, mesh);
    return { mesh, actor: actorOf(request), ...caller, message: '', idempotencyKey: idempotencyKey(request) };
  }

  private async written({ mesh, id, response }: Exchange, outcome: ChangeOutcome): Promise<ResourceView> {
    // Read while the feed brings the write: neither waits for the other.
    const [resource] = await Promise.all([
      this.deps.store.resources.get(mesh, id.kind, id.namespace, id.name),
      this.arrived(mesh, outcome),
    ]);
    if (resource === undefined) throw missing(id);
    response.setHeader('ETag', etagOf(resource.version));
    return viewOf(resource, this.deps.runtime.conditions(mesh, id), outcome);
  }

  private async arrived(mesh: string, outcome: ChangeOutcome): Promise<void> {
    await this.access.follow(outcome);
    if (outcome.change !== '') await this.published(mesh, outcome.revision);
  }

  private async published(mesh: string, revision: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.deps.clock.after(PUBLISHED_WITHIN_MS, resolve);
    await Promise.race([this.deps.runtime.published(mesh, revision), promise]).finally(cancel);
  }
}

const missing = (id: ResourceId): ProblemError => notFound(`${printId(id)} does not exist`);

/** The outcome of a write, or the answer that its refusal is. @throws ProblemError */
export function accepted(result: Result<ChangeOutcome, ChangeRefusal>, kinds: readonly KindInfo[]): ChangeOutcome {
  if (result.ok) return result.value;
  const refusal = result.error;
  switch (refusal.code) {
    case 'invalid':
      throw invalid(refusal.violations);
    case 'version-conflict':
      throw versionConflict(refusal.current);
    case 'not-found':
      throw missing(refusal.resource);
    case 'forbidden':
      throw notPermitted(refusal.denials, kinds);
    case 'splits-pairs':
    case 'staged':
    case 'staged-moved':
    case 'two-sided':
    case 'unchanged':
      throw stagedProblem(refusal);
    case 'idempotency-mismatch':
      throw new ProblemError(
        422,
        'idempotency-mismatch',
        'this Idempotency-Key was used for another request: take a new key for a new request',
      );
  }
}
