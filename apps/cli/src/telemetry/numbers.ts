import type { GoldenSignals } from '#libs/telemetry';
import { isFailure } from '#libs/telemetry/names';
import { printable } from '../output.js';

/** `0.25/s`, `12.1/s`, `1.2k/s`: three digits say enough. */
export function rate(value: number): string {
  if (value >= 1_000_000) return `${digits(value / 1_000_000)}M/s`;
  return value >= 1_000 ? `${digits(value / 1_000)}k/s` : `${digits(value)}/s`;
}

/** `0 %` is none at all: what is less than a tenth is `<0.1 %`. */
export function share(value: number): string {
  const percent = value * 100;
  if (percent === 0) return '0 %';
  return percent < 0.1 ? '<0.1 %' : `${percent < 10 ? percent.toFixed(1) : percent.toFixed(0)} %`;
}

/** Milliseconds, or seconds from ten on. */
export function duration(ms: number | undefined): string {
  if (ms === undefined) return '-';
  return ms >= 10_000 ? `${digits(ms / 1000)} s` : `${digits(ms)} ms`;
}

function digits(value: number): string {
  if (value === 0) return '0';
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

// What turns the direction of text, and what nobody sees.
const UNSEEN = /[\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** In one line of a table, whatever it holds: paths and details come from whoever calls (SEC-12). */
export const inline = (text: string): string => printable(text.replaceAll(/[\t\n]/g, ' ')).replaceAll(UNSEEN, '\ufffd');

export const SIGNAL_HEAD = ['rate', 'failures', 'p50', 'p90', 'p99', 'attempts', 'open'];

/** As columns under `SIGNAL_HEAD`. */
export const signalColumns = (signals: GoldenSignals): string[] => [
  rate(signals.rate),
  share(signals.failureShare),
  duration(signals.latency?.p50),
  duration(signals.latency?.p90),
  duration(signals.latency?.p99),
  signals.attemptsPerRequest === undefined ? '-' : signals.attemptsPerRequest.toFixed(2),
  signals.inFlight === undefined ? '-' : digits(signals.inFlight),
];

/** `reset 12, timeout 3`: what failed, the most frequent first. */
export const failuresOf = ({ outcomes }: GoldenSignals): string =>
  outcomes
    .filter(({ outcome }) => isFailure(outcome))
    .slice(0, 3)
    .map(({ outcome, count }) => `${outcome} ${Math.round(count)}`)
    .join(', ');
