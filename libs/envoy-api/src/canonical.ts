import { create, type DescField, type DescMessage, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { type Any, AnySchema } from '@bufbuild/protobuf/wkt';
import { compareCodeUnits } from '#libs/kernel';

/**
 * Encodes a message to its canonical bytes: fields in number order, map entries in code-unit order of their keys.
 * protobuf leaves the order of map entries open, and equal content must have equal bytes on every replica.
 */
export function encode<D extends DescMessage>(schema: D, init: MessageInitShape<D>): Uint8Array {
  const message = create(schema, init);
  sortMaps(schema, message as unknown as Fields);
  return toBinary(schema, message);
}

/** Packs a message into an Any with canonical bytes. */
export function packAny<D extends DescMessage>(schema: D, init: MessageInitShape<D>): Any {
  return create(AnySchema, { typeUrl: `type.googleapis.com/${schema.typeName}`, value: encode(schema, init) });
}

/** A message as the generated code has it: fields by their local name, members of a oneof under its name. */
type Fields = Record<string, unknown>;

/** Fields of a message type that are maps or may hold some, however deep. Types are few and known: kept for good. */
const mapFields = new WeakMap<DescMessage, readonly DescField[]>();

function fieldsWithMaps(schema: DescMessage): readonly DescField[] {
  const known = mapFields.get(schema);
  if (known) return known;
  const fields = schema.fields.filter((field) => field.fieldKind === 'map' || holdsMaps(field.message, new Set()));
  mapFields.set(schema, fields);
  return fields;
}

function holdsMaps(schema: DescMessage | undefined, seen: Set<DescMessage>): boolean {
  if (!schema || seen.has(schema)) return false;
  seen.add(schema);
  return schema.fields.some((field) => field.fieldKind === 'map' || holdsMaps(field.message, seen));
}

function sortMaps(schema: DescMessage, message: Fields): void {
  for (const field of fieldsWithMaps(schema)) {
    const value = fieldValue(message, field);
    if (typeof value !== 'object' || value === null) continue;
    if (field.fieldKind === 'map') sortMap(field, value as Fields);
    else if (field.message) {
      for (const item of Array.isArray(value) ? value : [value]) sortMaps(field.message, item as Fields);
    }
  }
}

function fieldValue(message: Fields, { oneof, localName }: DescField): unknown {
  if (!oneof) return message[localName];
  const member = message[oneof.localName] as { readonly case?: string; readonly value?: unknown } | undefined;
  return member?.case === localName ? member.value : undefined;
}

function sortMap(field: DescField, map: Fields): void {
  const entries = Object.entries(map).sort(([a], [b]) => compareCodeUnits(a, b));
  if (field.message) for (const [, value] of entries) sortMaps(field.message, value as Fields);
  if (entries.length < 2) return;
  for (const [key] of entries) delete map[key];
  for (const [key, value] of entries) map[key] = value;
}
