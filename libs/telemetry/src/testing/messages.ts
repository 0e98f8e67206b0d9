import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/** A counter's value, or a gauge or histogram that must be passed over. */
export type Sample = number | 'gauge' | 'histogram';

export interface MessageFields {
  /** `node.id` in the identifier. */
  readonly node?: string;
  readonly families?: Readonly<Record<string, Sample>>;
}

/** A StreamMetricsMessage as Envoy writes it: a family for each metric, with its type and the time. */
export function reportMessage({ node, families = {} }: MessageFields): Buffer {
  const writer = new BinaryWriter();
  if (node !== undefined) {
    writer.tag(1, WireType.LengthDelimited).fork().tag(1, WireType.LengthDelimited).fork();
    writer.tag(1, WireType.LengthDelimited).string(node).tag(2, WireType.LengthDelimited).string('cluster');
    writer.join().join();
  }
  for (const [name, sample] of Object.entries(families)) family(writer, name, sample);
  return Buffer.from(writer.finish());
}

const TYPE = { counter: 0, gauge: 1, histogram: 4 };
const FIELD = { gauge: 2, counter: 3, histogram: 7 };

function family(writer: BinaryWriter, name: string, sample: Sample): void {
  const kind = typeof sample === 'number' ? 'counter' : sample;
  writer.tag(2, WireType.LengthDelimited).fork();
  writer.tag(1, WireType.LengthDelimited).string(name);
  writer.tag(3, WireType.Varint).int32(TYPE[kind]);
  writer.tag(4, WireType.LengthDelimited).fork();
  writer.tag(FIELD[kind], WireType.LengthDelimited).fork();
  writer.tag(1, WireType.Bit64).double(typeof sample === 'number' ? sample : 99);
  writer.join().tag(6, WireType.Varint).int64(1_700_000_000_000);
  writer.join().join();
}
