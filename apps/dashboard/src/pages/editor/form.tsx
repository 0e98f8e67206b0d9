/** A form for any schema of the API: what a field means is said by the schema, what is wrong with it by the server. */
import { ActionIcon, Button, MultiSelect, TagsInput, TextInput } from '@mantine/core';
import { Plus, X } from 'lucide-react';
import type { Schema } from '../../api/types';
import { isList, isObject, type Json, type JsonObject, pointerTo, withMember } from './draft';
import {
  BooleanField,
  errorAt,
  type FieldProps,
  isSimple,
  NumberField,
  shapeOf,
  TakeOut,
  TextField,
  worded,
} from './fields';
import css from './form.module.css';

export function Field(props: FieldProps) {
  switch (shapeOf(props.schema)) {
    case 'enum':
    case 'text':
      return <TextField {...props} />;
    case 'number':
      return <NumberField {...props} />;
    case 'boolean':
      return <BooleanField {...props} />;
    case 'object':
      return <Group {...props} />;
    case 'map':
      return <MapField {...props} />;
    case 'list':
      return <ListField {...props} />;
    case 'none':
      return null;
  }
}

/** An object: simple members are there to be filled in, others are added where they are wanted. */
export function Members({ schema, path, value, onChange, violations }: Omit<FieldProps, 'name'>) {
  const object = isObject(value) ? value : {};
  const properties = Object.entries(schema.properties ?? {}).filter(([, one]) => shapeOf(one) !== 'none');
  const required = schema.required ?? [];
  const isShown = ([name, one]: readonly [string, Schema]): boolean =>
    isSimple(one) || required.includes(name) || object[name] !== undefined;
  const absent = properties.filter((entry) => !isShown(entry));
  return (
    <>
      <div className={css.fields}>
        {properties.filter(isShown).map(([name, one]) => (
          <div key={name} className={isSimple(one) ? '' : css.whole}>
            <Field
              schema={one}
              name={name}
              path={pointerTo(path, name)}
              value={object[name]}
              onChange={(next) => onChange(withMember(object, name, next))}
              violations={violations}
              isRequired={required.includes(name)}
            />
          </div>
        ))}
      </div>
      {absent.length > 0 && (
        <div className={css.add}>
          Add
          {absent.map(([name, one]) => (
            <Button
              key={name}
              size="compact-xs"
              variant="default"
              leftSection={<Plus size={12} />}
              onClick={() => onChange(withMember(object, name, emptyOf(one)))}
            >
              {name}
            </Button>
          ))}
        </div>
      )}
    </>
  );
}

/** What a member begins with when it is added. */
const emptyOf = (schema: Schema): Json => {
  const shape = shapeOf(schema);
  if (shape === 'list') return schema.items && shapeOf(schema.items) === 'object' ? [{}] : [];
  return shape === 'object' || shape === 'map' ? {} : '';
};

function Group(props: FieldProps) {
  const error = errorAt(props.path, props.violations);
  return (
    <fieldset className={css.group} id={props.path}>
      <legend>
        {props.name} {!props.isRequired && <TakeOut {...props} />}
      </legend>
      {props.schema.description && <p className={css.help}>{props.schema.description}</p>}
      <Members {...props} />
      {error && <p className={css.error}>{error}</p>}
    </fieldset>
  );
}

function ListField(props: FieldProps) {
  const { schema, value, onChange, path, violations, name } = props;
  const items = schema.items ?? {};
  const list = isList(value) ? value : [];
  if (items.enum)
    return (
      <MultiSelect
        {...worded(props)}
        data={items.enum.map(String)}
        value={list.map(String)}
        onChange={(next) => onChange(next.length > 0 ? next : undefined)}
      />
    );
  if (isSimple(items)) {
    const isNumber = shapeOf(items) === 'number';
    return (
      <TagsInput
        {...worded(props)}
        error={errorAt(path, violations) ?? violations.find((one) => one.path.startsWith(`${path}/`))?.message}
        value={list.map(String)}
        placeholder="One after the other, each with Enter"
        onChange={(next) => onChange(next.length > 0 ? next.map((one) => (isNumber ? Number(one) : one)) : undefined)}
      />
    );
  }
  const error = errorAt(path, violations);
  return (
    <fieldset className={css.group} id={path}>
      <legend>
        {name} {!props.isRequired && <TakeOut {...props} />}
      </legend>
      {schema.description && <p className={css.help}>{schema.description}</p>}
      {list.map((item, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: items have nothing else to be told apart by
        <div key={i} className={css.item}>
          <Members
            schema={items}
            path={pointerTo(path, i)}
            value={item}
            violations={violations}
            onChange={(next) => onChange(list.map((one, k) => (k === i ? (next ?? {}) : one)))}
          />
          <ActionIcon
            className={css.remove ?? ''}
            variant="subtle"
            color="gray"
            aria-label={`Remove ${name} ${i + 1}`}
            onClick={() => onChange(list.filter((_, k) => k !== i))}
          >
            <X size={15} />
          </ActionIcon>
        </div>
      ))}
      <Button
        size="compact-sm"
        variant="default"
        leftSection={<Plus size={13} />}
        onClick={() => onChange([...list, {}])}
      >
        Add to {name}
      </Button>
      {error && <p className={css.error}>{error}</p>}
    </fieldset>
  );
}

function MapField(props: FieldProps) {
  const { schema, value, onChange, path, violations, name } = props;
  const pairs = Object.entries(isObject(value) ? value : {});
  const set = (next: readonly (readonly [string, Json])[]): void => onChange(Object.fromEntries(next) as JsonObject);
  const error = violations.find((one) => one.path === path || one.path.startsWith(`${path}/`))?.message;
  return (
    <fieldset className={css.group} id={path}>
      <legend>
        {name} {!props.isRequired && <TakeOut {...props} />}
      </legend>
      {schema.description && <p className={css.help}>{schema.description}</p>}
      {pairs.map(([key, one], i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a key changes while it is typed
        <div key={i} className={css.pair}>
          <TextInput
            aria-label={`Name ${i + 1} of ${name}`}
            value={key}
            onChange={(event) => set(pairs.map((pair, k) => (k === i ? [event.currentTarget.value, one] : pair)))}
          />
          <TextInput
            aria-label={`Value ${i + 1} of ${name}`}
            value={String(one)}
            onChange={(event) => set(pairs.map((pair, k) => (k === i ? [key, event.currentTarget.value] : pair)))}
          />
          <ActionIcon
            variant="subtle"
            color="gray"
            size="lg"
            aria-label={`Remove ${key} from ${name}`}
            onClick={() => set(pairs.filter((_, k) => k !== i))}
          >
            <X size={15} />
          </ActionIcon>
        </div>
      ))}
      <Button
        size="compact-sm"
        variant="default"
        leftSection={<Plus size={13} />}
        disabled={pairs.some(([key]) => key === '')}
        onClick={() => set([...pairs, ['', '']])}
      >
        Add to {name}
      </Button>
      {error && <p className={css.error}>{error}</p>}
    </fieldset>
  );
}
