import { lengthMs } from '#libs/kernel';
import { CliError, EXIT } from './exit-codes.js';

/** Smallest and largest value of a numeric flag. */
export interface Limits {
  readonly min: number;
  readonly max: number;
}

export const PORT: Limits = { min: 1, max: 65_535 };
/** 0 = none. */
export const PORT_OR_NONE: Limits = { min: 0, max: 65_535 };
export const PROXY_TOKEN_DAYS: Limits = { min: 1, max: 90 };
/** 0 = never. */
export const REPORT_SECONDS: Limits = { min: 0, max: 300 };
export const API_TOKEN_DAYS: Limits = { min: 1, max: 365 };

/** The value of a numeric flag. @throws CliError that names the flag and its limits */
export function wholeNumber(flag: string, text: string, { min, max }: Limits): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new CliError(`${flag} ${text}: a whole number from ${min} to ${max}`, EXIT.usage);
}

/** `90`, `30s`, `10m`, `2h`, `1d`: in seconds. @throws CliError that names the flag */
export function durationSeconds(flag: string, text: string): number {
  const ms = lengthMs(/[smhd]$/.test(text) ? text : `${text}s`);
  if (ms === undefined) throw new CliError(`${flag} ${text}: a time such as 30s, 10m or 2h`, EXIT.usage);
  return ms / 1_000;
}
