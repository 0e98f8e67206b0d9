import { create } from '@bufbuild/protobuf';
import { type Duration, DurationSchema } from '@bufbuild/protobuf/wkt';

/** A protobuf Duration of whole milliseconds; 0 stands for whatever the field says 0 means. */
export function durationMs(ms: number): Duration {
  const seconds = Math.trunc(ms / 1000);
  return create(DurationSchema, { seconds: BigInt(seconds), nanos: Math.round(ms - seconds * 1000) * 1_000_000 });
}
