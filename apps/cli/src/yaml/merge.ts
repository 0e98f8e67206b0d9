/** Changes YAML documents in place: what stays the same keeps its order, comments and style. */
import { type Document, isMap, isNode, isScalar, isSeq, type Node, type Pair, type YAMLMap, type YAMLSeq } from 'yaml';
import { align } from '#libs/diff';
import { canonicalJson } from '#libs/kernel';

/** Makes a document hold exactly this value. @returns whether anything was changed */
export function mergeInto(document: Document, wanted: unknown): boolean {
  if (holds(document, document.contents as Node | null, wanted)) return false;
  document.contents = merged(document, document.contents as Node | null, wanted) as typeof document.contents;
  return true;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const holds = (document: Document, node: Node | null, wanted: unknown): boolean =>
  node !== null && canonicalJson(node.toJS(document) ?? null) === canonicalJson(wanted ?? null);

function merged(document: Document, node: Node | null, wanted: unknown): Node {
  if (node !== null && holds(document, node, wanted)) return node;
  if (isMap(node) && isObject(wanted)) return mergedMap(document, node, wanted);
  if (isSeq(node) && Array.isArray(wanted)) return mergedList(document, node, wanted);
  if (isScalar(node) && (typeof wanted !== 'object' || wanted === null)) {
    node.value = wanted;
    return node;
  }
  return document.createNode(wanted) as Node;
}

const nameOf = (pair: Pair): string => String(isScalar(pair.key) ? pair.key.value : pair.key);

/** The parser gives the comment before a first item to the list: it belongs to the item, and goes with it. */
function handDown(collection: YAMLMap | YAMLSeq, first: unknown): void {
  if (collection.flow || !isNode(first) || first.commentBefore) return;
  first.commentBefore = collection.commentBefore ?? null;
  collection.commentBefore = null;
}

function mergedMap(document: Document, map: YAMLMap, wanted: Readonly<Record<string, unknown>>): Node {
  handDown(map, map.items[0]?.key);
  map.items = map.items.filter((pair) => Object.hasOwn(wanted, nameOf(pair)));
  for (const pair of map.items) pair.value = merged(document, pair.value as Node | null, wanted[nameOf(pair)]);
  const known = new Set(map.items.map(nameOf));
  for (const [key, value] of Object.entries(wanted)) {
    if (!known.has(key) && value !== undefined) map.items.push(document.createPair(key, value));
  }
  return map;
}

/** Items move with their comments: they are found by what identifies them, as plans do. */
function mergedList(document: Document, list: YAMLSeq, wanted: readonly unknown[]): Node {
  handDown(list, list.items[0]);
  const nodes = new Map(list.items.map((item) => [(item as Node).toJS(document) as unknown, item as Node]));
  const before = [...nodes.keys()];
  const taken = before.length === list.items.length ? align(before, wanted).pairs : [];
  const partner = new Map(taken.filter(({ after }) => after !== undefined).map((pair) => [pair.after, pair.before]));
  list.items = wanted.map((value) => merged(document, nodes.get(partner.get(value)) ?? null, value));
  return list;
}
