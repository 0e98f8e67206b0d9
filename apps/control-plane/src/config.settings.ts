import { z } from 'zod';
import { configSchema } from './config.schema.js';

/** A leaf of the schema, with its name in each place where it can be set. */
export interface Setting {
  /** In files: `rest.port`. */
  readonly key: string;
  /** `--rest-port` */
  readonly flag: string;
  /** `HEDDLE_REST_PORT` */
  readonly variable: string;
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'array';
  readonly description: string;
}

const words = (key: string): string => key.replaceAll('.', '-').replaceAll(/[A-Z]/g, (c) => `-${c.toLowerCase()}`);

const leafSchema = z.object({
  type: z.enum(['string', 'integer', 'number', 'boolean', 'array']),
  description: z.string(),
});
const groupSchema = z.object({ properties: z.record(z.string(), z.unknown()) });

function settingsUnder(prefix: string, node: unknown): Setting[] {
  const group = groupSchema.safeParse(node);
  if (group.success) {
    return Object.entries(group.data.properties).flatMap(([name, child]) =>
      settingsUnder(prefix === '' ? name : `${prefix}.${name}`, child),
    );
  }
  const flag = `--${words(prefix)}`;
  const variable = `HEDDLE_${words(prefix).replaceAll('-', '_').toUpperCase()}`;
  return [{ key: prefix, flag, variable, ...leafSchema.parse(node) }];
}

/** Every setting, in the order of the schema. */
export const SETTINGS: readonly Setting[] = settingsUnder('', z.toJSONSchema(configSchema, { io: 'input' }));

/** The value that a flag's or variable's text stands for; what the text cannot be is left to the schema to refuse. */
export function settingValue({ type }: Setting, text: string): unknown {
  switch (type) {
    case 'string':
      return text;
    case 'integer':
      return /^-?\d{1,15}$/.test(text) ? Number(text) : text;
    case 'number':
      return /^-?\d{1,15}(\.\d{1,15})?$/.test(text) ? Number(text) : text;
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text;
    case 'array':
      return text
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== '');
  }
}
