/** Fields with one value, and what all fields have in common. */
import { ActionIcon, NumberInput, Select, Textarea, TextInput } from '@mantine/core';
import { X } from 'lucide-react';
import type { Violation } from '../../api/problem';
import type { Schema } from '../../api/types';
import type { Json } from './draft';

export interface FieldProps {
  readonly schema: Schema;
  readonly name: string;
  /** JSON pointer in the manifest; also the id of the field. */
  readonly path: string;
  readonly value: Json | undefined;
  /** Undefined = take it out. */
  readonly onChange: (value: Json | undefined) => void;
  readonly violations: readonly Violation[];
  readonly isRequired?: boolean;
}

type Shape = 'enum' | 'text' | 'number' | 'boolean' | 'object' | 'map' | 'list' | 'none';

export const shapeOf = ({ type, properties, additionalProperties, items, enum: values }: Schema): Shape => {
  if (values !== undefined) return 'enum';
  if (type === 'string') return 'text';
  if (type === 'integer' || type === 'number') return 'number';
  if (type === 'boolean') return 'boolean';
  if (properties !== undefined) return 'object';
  if (typeof additionalProperties === 'object') return 'map';
  return type === 'array' && items !== undefined ? 'list' : 'none';
};

const SIMPLE: readonly Shape[] = ['enum', 'text', 'number', 'boolean'];
export const isSimple = (schema: Schema): boolean => SIMPLE.includes(shapeOf(schema));

export const errorAt = (path: string, violations: readonly Violation[]): string | undefined =>
  violations.find((one) => one.path === path)?.message;

/** What a field says of itself beside its value. */
export const worded = ({ schema, name, path, violations, isRequired = false }: FieldProps) => ({
  id: path,
  label: name,
  description: schema.description,
  error: errorAt(path, violations),
  required: isRequired,
  withAsterisk: isRequired,
});

export function TextField(props: FieldProps) {
  const { schema, value, onChange } = props;
  const text = value === undefined || value === null ? '' : String(value);
  if (schema.enum)
    return (
      <Select
        {...worded(props)}
        data={schema.enum.map(String)}
        value={text === '' ? null : text}
        placeholder={schema.default === undefined ? '' : `${String(schema.default)} by default`}
        clearable={!props.isRequired}
        onChange={(chosen) =>
          onChange(chosen === null ? undefined : (schema.enum?.find((one) => String(one) === chosen) as Json))
        }
      />
    );
  const set = (next: string): void => onChange(next === '' && !props.isRequired ? undefined : next);
  if (text.length > 120)
    return <Textarea {...worded(props)} autosize value={text} onChange={(event) => set(event.currentTarget.value)} />;
  return (
    <TextInput
      {...worded(props)}
      value={text}
      spellCheck={false}
      placeholder={schema.default === undefined ? '' : `${String(schema.default)} by default`}
      onChange={(event) => set(event.currentTarget.value)}
    />
  );
}

export const NumberField = (props: FieldProps) => (
  <NumberInput
    {...worded(props)}
    value={typeof props.value === 'number' ? props.value : ''}
    {...(props.schema.minimum === undefined ? {} : { min: props.schema.minimum })}
    {...(props.schema.maximum === undefined ? {} : { max: props.schema.maximum })}
    clampBehavior="none"
    placeholder={props.schema.default === undefined ? '' : `${String(props.schema.default)} by default`}
    onChange={(value) => props.onChange(value === '' ? undefined : Number(value))}
  />
);

/** Three states: what is not said is the default, which may be either. */
export const BooleanField = (props: FieldProps) => (
  <Select
    {...worded(props)}
    data={['true', 'false']}
    value={typeof props.value === 'boolean' ? String(props.value) : null}
    placeholder={props.schema.default === undefined ? 'by default' : `${String(props.schema.default)} by default`}
    clearable={!props.isRequired}
    onChange={(chosen) => props.onChange(chosen === null ? undefined : chosen === 'true')}
  />
);

export const TakeOut = ({ name, onChange }: FieldProps) => (
  <ActionIcon
    size="xs"
    variant="subtle"
    color="gray"
    aria-label={`Take out ${name}`}
    onClick={() => onChange(undefined)}
  >
    <X size={13} />
  </ActionIcon>
);
