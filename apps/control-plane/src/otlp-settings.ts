import { readFileSync } from 'node:fs';
import type { OtlpSettings } from '#libs/observability';
import type { Config } from './config.schema.js';
import { EXIT, StartError } from './start-error.js';

const HEADER = /^([A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}):[ \t]*([\x20-\x7e]{1,8192})$/;

/**
 * Where telemetry goes; undefined = nowhere. `OTEL_SDK_DISABLED=true` wins over everything, as its standard says.
 * @throws StartError when the file of headers cannot be read; no content of it is repeated
 */
export function otlpSettings(
  { observability: { otlp } }: Pick<Config, 'observability'>,
  about: Pick<OtlpSettings, 'instance' | 'version'>,
): OtlpSettings | undefined {
  const { endpoint, protocol, sampleRatio, headersFile } = otlp;
  if (endpoint === undefined || process.env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true') return undefined;
  const headers = headersFile === undefined ? {} : headersOf(headersFile);
  return { endpoint, protocol, sampleRatio, headers, ...about };
}

function headersOf(path: string): Record<string, string> {
  const refuse = (why: string, cause?: unknown): StartError =>
    new StartError(EXIT.configuration, `observability.otlp.headersFile ${path} ${why}`, { cause });
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw refuse('cannot be read', cause);
  }
  const lines = text.split(/\r?\n/).map((line, index) => ({ line: line.trim(), number: index + 1 }));
  return Object.fromEntries(
    lines
      .filter(({ line }) => line !== '' && !line.startsWith('#'))
      .map(({ line, number }) => {
        const [, name, value] = HEADER.exec(line) ?? [];
        if (name === undefined || value === undefined) throw refuse(`line ${number} is no "Name: value"`);
        return [name.toLowerCase(), value];
      }),
  );
}
