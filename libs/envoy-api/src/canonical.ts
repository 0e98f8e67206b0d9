import { create, type DescMessage, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import { type Any, AnySchema } from '@bufbuild/protobuf/wkt';
import { compareCodeUnits } from '#libs/kernel';

/**
 * Encodes a message to its canonical bytes: fields in number order, map entries in code-unit order of their keys.
 * protobuf leaves the order of map entries open, and equal content must have equal bytes on every replica.
 */
export function encode<D extends DescMessage>(schema: D, init: MessageInitShape<D>): Uint8Array {
  const message = create(schema, init);
  sortMaps(reflect(schema, message));
  return toBinary(schema, message);
}

/** Packs a message into an Any with canonical bytes. */
export function packAny<D extends DescMessage>(schema: D, init: MessageInitShape<D>): Any {
  return create(AnySchema, { typeUrl: `type.googleapis.com/${schema.typeName}`, value: encode(schema, init) });
}

function sortMaps(message: ReflectMessage): void {
  for (const field of message.fields) {
    if (!message.isSet(field)) continue;
    if (field.fieldKind === 'message') sortMaps(message.get(field));
    else if (field.fieldKind === 'list' && field.listKind === 'message') {
      for (const item of message.get(field)) sortMaps(item as ReflectMessage);
    } else if (field.fieldKind === 'map') {
      const map = message.get(field);
      const entries = [...map].sort(([a], [b]) => compareCodeUnits(String(a), String(b)));
      map.clear();
      for (const [key, value] of entries) {
        if (field.mapKind === 'message') sortMaps(value as ReflectMessage);
        map.set(key, value);
      }
    }
  }
}
