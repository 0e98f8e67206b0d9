/**
 * Program of `locale.spec.ts`, run in processes of their own: builds one graph and prints the hash of all its values.
 * The argument says in which order the inputs arrive.
 */
import { valueHash } from '#libs/kernel';
import { defineIndex, defineInput, defineQuery } from './define.js';
import { Graph } from './graph.js';

/** Names that locales sort differently: case, accents, Swedish and Estonian letters, digits, signs. */
const NAMES = ['a', 'B', 'ä', 'z', 'Z', 'ö', 'o', 'å', 'I', 'i', 'ı', '10', '9', '-', '_', 'é', 'e', 'ü', 'š', 'ch'];

const service = defineInput<{ readonly initial: string }>('service');
const byInitial = defineIndex({ name: 'byInitial', of: service, keysOf: (_, { initial }) => [initial, 'all'] });
const list = defineQuery({
  name: 'list',
  run: (ctx, initial) => ctx.index(byInitial, initial).map((key) => ({ key, ...ctx.input(service, key) })),
});

const graph = new Graph();
const arrival = process.argv[2] === 'reversed' ? NAMES.toReversed() : NAMES;
for (const name of arrival) {
  for (const other of arrival) graph.set(service, name + other, { initial: name });
  graph.observe(list, name);
}
graph.observe(list, 'all');
process.stdout.write(`${valueHash(graph.pass().changed.map(({ kind, key, value }) => ({ kind, key, value })))}\n`);
