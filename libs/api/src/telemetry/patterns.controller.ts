import { Controller, Get, Inject, Param, Query, Req } from '@nestjs/common';
import type { Happening } from '#libs/store';
import { AccessControl } from '../access/access-control.js';
import { visibleHistory } from '../access/visible-changes.js';
import { AccessEach } from '../access.js';
import { API_DEPS, type ApiDeps } from '../deps.js';
import type { HttpRequest } from '../http.js';
import { requireMesh } from '../meshes.js';
import { parseQuery } from '../query.js';
import type { PatternsView, TimelineView } from '../views.js';
import { sightOf } from './sight.js';
import { patternsQuery, timelineQuery, timeOf } from './telemetry.query.js';
import { isOf, isVisible, partlySeen, type Sighted, viewOfPattern } from './visible-patterns.js';

const HOUR_MS = 3_600_000;
/** Changes are suspects of what began up to so long after them. Milliseconds. */
const SUSPECT_MS = 2 * HOUR_MS;
const MOST_CHANGES = 500;

/** What failures have in common, and what else happened at the time. */
@Controller('api/v1/meshes/:mesh/telemetry')
export class PatternsController {
  constructor(
    @Inject(API_DEPS) private readonly deps: ApiDeps,
    @Inject(AccessControl) private readonly access: AccessControl,
  ) {}

  @Get('patterns')
  @AccessEach('get')
  async patterns(
    @Param('mesh') mesh: string,
    @Query() query: unknown,
    @Req() request: HttpRequest,
  ): Promise<PatternsView> {
    const asked = parseQuery(patternsQuery, query);
    const { from, to } = this.#window(timeOf(asked));
    const sighted = await this.#sighted(mesh, request, { from: from - SUSPECT_MS, to });
    const known = await this.deps.patterns.list(mesh, from);
    const inTime = known.filter(({ id, since, pattern }) => {
      const isAsked = asked.id === undefined || asked.id === id;
      return isAsked && since < to && (asked.service === undefined || isOf(pattern, asked.service));
    });
    const seen = inTime.filter(({ pattern }) => isVisible(pattern, sighted.sight));
    return {
      ...this.#answered(from, to),
      items: seen.map((one) => viewOfPattern(one, sighted)),
      hidden: inTime.length - seen.length,
    };
  }

  @Get('timeline')
  @AccessEach('get')
  async timeline(
    @Param('mesh') mesh: string,
    @Query() query: unknown,
    @Req() request: HttpRequest,
  ): Promise<TimelineView> {
    const { from, to } = this.#window(timeOf(parseQuery(timelineQuery, query)));
    const sighted = await this.#sighted(mesh, request, { from, to });
    const all = await this.deps.store.timeline.between(mesh, from, to);
    const seen = all.flatMap((one) => seenOf(one, sighted));
    return {
      ...this.#answered(from, to),
      items: seen.map((one) => ({ ...one, at: new Date(one.at).toISOString() })),
      hidden: all.length - seen.length,
    };
  }

  #window({ from, to, sinceMs = HOUR_MS }: ReturnType<typeof timeOf>): { readonly from: number; readonly to: number } {
    const end = to ?? this.deps.clock.now() + 1;
    return { from: from ?? end - sinceMs, to: end };
  }

  #answered(from: number, to: number): Pick<PatternsView, 'from' | 'to'> {
    return { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
  }

  /** @throws ProblemError 404 unless the mesh exists */
  async #sighted(
    mesh: string,
    { principal }: HttpRequest,
    { from, to }: { readonly from: number; readonly to: number },
  ): Promise<Sighted> {
    const { resources, history } = this.deps.store;
    await requireMesh(resources, mesh);
    const sight = await sightOf({ access: this.access, resources }, principal, mesh);
    const [since, until] = [new Date(from).toISOString(), new Date(to).toISOString()];
    const past = { mesh, since, until, limit: MOST_CHANGES };
    const entries = await visibleHistory(this.access, principal, past, history);
    const changes = new Map(
      entries.map(({ change, hidden }) => [change, hidden === undefined ? 'all' : 'some'] as const),
    );
    return { sight, change: (id) => changes.get(id) ?? 'none' };
  }
}

/** As suspects are: see `visible-patterns.ts`. */
function seenOf(one: Happening, { sight, change }: Sighted): readonly Happening[] {
  const { kind, id, touches } = one;
  if (kind === 'rotation') return [one];
  if (kind === 'change' || kind === 'refusal') {
    const seen = change(id);
    if (seen === 'some') return [{ ...one, title: partlySeen(id), touches: [] }];
    return seen === 'all' ? [one] : [];
  }
  const [namespace = '', ...rest] = (touches[0] ?? id).split('/');
  return sight.instance(namespace, rest.at(-1) ?? '') ? [one] : [];
}
