import { z } from 'zod';
import type { StagedOptions } from '#libs/store';
import { limit } from '../query.js';

const seconds = (what: string, most: number, fallback: number) =>
  z.number().min(0).max(most).default(fallback).describe(`${what} Seconds, 0 to ${most}. Default: ${fallback}.`);

const REASONS = ['nack', 'failures', 'disconnect'] as const;

/** How a change is tried before it is everybody's, or for good. */
export const trial = z
  .strictObject({
    canary: z
      .array(z.number().gt(0).lt(100))
      .max(10)
      .default([])
      .refine((waves) => waves.every((share, i) => i === 0 || share > (waves[i - 1] ?? 0)), 'each wave must be larger')
      .describe(
        'Waves: percent of the proxies that it touches, rising, each above 0 and below 100. Default: everybody at once.',
      ),
    observeSeconds: seconds('How long each wave is watched after its last ACK, and everybody at the end.', 86_400, 30),
    ackSeconds: seconds('How long ACKs are waited for before somebody has to decide.', 86_400, 120),
    confirmWithinSeconds: seconds(
      'Taken back unless confirmed in this time after everybody was given it; 0 = no need.',
      604_800,
      0,
    ),
    revertOn: z
      .array(z.enum(REASONS))
      .optional()
      .describe(
        'What takes it back by itself, seen on two hosts at least. nack: Envoy refuses it. failures: more requests fail than before. disconnect: streams end within 10 s. Default: all with canary, none without.',
      ),
    toleratedPercent: z
      .number()
      .min(0)
      .max(100)
      .default(0)
      .describe('Share of those who were given it that may refuse or fail, 0 to 100 %. Default: 0.'),
  })
  .transform(
    ({ canary, observeSeconds, ackSeconds, confirmWithinSeconds, revertOn, toleratedPercent }): StagedOptions => ({
      waves: canary,
      observeMs: observeSeconds * 1_000,
      ackMs: ackSeconds * 1_000,
      confirmMs: confirmWithinSeconds * 1_000,
      revertOn: revertOn ?? (canary.length > 0 ? REASONS : []),
      tolerated: toleratedPercent,
    }),
  );

export const stagedQuery = z.strictObject({ limit: limit(50) });
