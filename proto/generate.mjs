// Makes everything that is generated from .proto files; runs before every build and test, and does nothing when the
// last run had the same inputs.
//   proto/generated/   a module for buf: validate.proto, patched so that buf accepts it
//   libs/envoy-api/src/gen/   TypeScript messages of the entries in proto/entries.txt, by protoc-gen-es
//   proto/services/   the import closure of the discovery services, which proto-loader reads at run time
// proto/opentelemetry holds what the Envoy API refers to and does not bring. The Envoy API comes from the npm package
// @grpc/grpc-js-xds, which ships it whole (version 1.31 of the API).
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const deps = join(root, 'node_modules/@grpc/grpc-js-xds/deps');
const modules = [
  join(root, 'proto/opentelemetry'),
  ...['envoy-api', 'xds', 'googleapis'].map((name) => join(deps, name)),
];
const generated = join(root, 'proto/generated');
const OTLP_COMMON = 'proto/opentelemetry/opentelemetry/proto/common/v1/common.proto';
const out = join(root, 'libs/envoy-api/src/gen');

/** The shipped validate.proto is older than the API's annotations: one field is missing. */
function patchedValidate() {
  const source = readFileSync(join(deps, 'protoc-gen-validate/validate/validate.proto'), 'utf8').replaceAll(
    '\r\n',
    '\n',
  );
  const patched = source.replace(
    /message StringRules \{\n/,
    'message StringRules {\n  optional bool ignore_empty = 26;\n',
  );
  if (patched === source) throw new Error('proto/generate.mjs: message StringRules was not found in validate.proto');
  return patched;
}

const entries = readFileSync(join(root, 'proto/entries.txt'), 'utf8').split('\n').filter(Boolean);

function moduleOf(path) {
  const found = [generated, ...modules].find((dir) => existsSync(join(dir, path)));
  if (!found) throw new Error(`proto/generate.mjs: ${path} is in no module`);
  return found;
}

/** The files that `roots` import, transitively. Google's own are built into proto-loader. */
function closure(roots) {
  const seen = new Set();
  const visit = (path) => {
    if (seen.has(path) || path.startsWith('google/protobuf/')) return;
    seen.add(path);
    const text = readFileSync(join(moduleOf(path), path), 'utf8');
    for (const [, imported] of text.matchAll(/^import (?:public )?"([^"]+)";/gm)) visit(imported);
  };
  roots.forEach(visit);
  return [...seen].sort();
}

/** Everything that decides the output: this script, the entries, and the versions of the packages. */
function fingerprint() {
  const hash = createHash('sha256');
  for (const file of ['proto/generate.mjs', 'proto/entries.txt', 'buf.yaml', OTLP_COMMON])
    hash.update(readFileSync(join(root, file)));
  for (const name of ['@grpc/grpc-js-xds', '@bufbuild/protoc-gen-es', '@bufbuild/buf']) {
    hash.update(JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')).version);
  }
  return hash.digest('hex');
}

const stamp = join(generated, '.stamp');
if (existsSync(stamp) && existsSync(out) && readFileSync(stamp, 'utf8') === fingerprint()) process.exit(0);

mkdirSync(join(generated, 'validate'), { recursive: true });
writeFileSync(join(generated, 'validate/validate.proto'), patchedValidate());

const buf = join(root, 'node_modules/@bufbuild/buf/bin/buf');
const inputs = [{ directory: '.', paths: entries.map((entry) => join(moduleOf(entry), entry).slice(root.length + 1)) }];
const plugin = {
  local: [process.execPath, 'node_modules/@bufbuild/protoc-gen-es/bin/protoc-gen-es'],
  out: 'libs/envoy-api/src/gen',
  strategy: 'all',
  include_imports: true,
  opt: ['target=ts', 'import_extension=js'],
};
const template = JSON.stringify({ version: 'v2', clean: true, inputs, plugins: [plugin] });
execFileSync(process.execPath, [buf, 'generate', '--template', template], { cwd: root, stdio: 'inherit' });

const services = entries.filter((entry) => entry.startsWith('envoy/service/'));
rmSync(join(root, 'proto/services'), { recursive: true, force: true });
for (const path of closure(services)) {
  const target = join(root, 'proto/services', path);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, readFileSync(join(moduleOf(path), path)));
}

writeFileSync(stamp, fingerprint());
