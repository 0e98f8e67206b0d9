// Who may import whom: the one authority for the direction of dependencies. A library is imported by its index only, or by a
// second door of those that load much: `names`, `errors`, or `views` for types of answers;
// libs/testing has a door per folder, so that a test loads only what it needs.
const MAY = {
  kernel: [],
  diff: ['kernel'],
  incremental: ['kernel'],
  'envoy-api': ['kernel'],
  observability: ['kernel'],
  model: ['kernel', 'envoy-api'],
  policies: ['kernel', 'model', 'envoy-api'],
  compiler: ['kernel', 'incremental', 'envoy-api', 'model'],
  xds: ['kernel', 'envoy-api'],
  store: ['kernel', 'model'],
  identity: ['kernel', 'envoy-api', 'model', 'store'],
  telemetry: ['kernel', 'envoy-api', 'model', 'store'],
  patterns: ['kernel', 'telemetry'],
  changes: ['kernel', 'diff', 'incremental', 'envoy-api', 'model', 'compiler', 'store'],
  runtime: ['kernel', 'incremental', 'model', 'compiler', 'store', 'xds', 'identity', 'changes', 'envoy-api'],
  api: ['kernel', 'model', 'store', 'diff', 'changes', 'identity', 'telemetry', 'patterns', 'alerts'],
  launcher: ['kernel'],
  alerts: ['kernel', 'model', 'store', 'telemetry'],
};
const TEST = '\\.spec\\.ts$|^test/|^libs/testing/';
const IO = [
  '^(node:)?(fs|net|tls|http|https|http2|timers|child_process|worker_threads|dgram)$',
  '^(node:)?(fs|timers)/promises$',
  'node_modules/(@nestjs|typeorm|pg|@grpc|prom-client)/',
];
const PURE = ['^libs/(kernel|diff|incremental|model|compiler)/', '^libs/patterns/src/', '^libs/policies/[^/]+/', '^libs/envoy-api/src/[^/]+[.]ts$'];
/** Second doors: types of answers, which a browser may read, too; names and errors, which load nothing. */
const VIEWS = '^libs/api/src/views\\.ts$';
const NAMES = '^libs/((kernel|model|telemetry)/src/names|launcher/src/errors)\\.ts$';
const R = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });

const allow = Object.entries(MAY).map(([lib, deps]) =>
  R(`${lib}-imports`, `${lib} may import ${deps.join(', ') || 'no other library'}`, { path: `^libs/${lib}/`, pathNot: TEST }, { path: '^libs/', pathNot: `^libs/(${[lib, ...deps].join('|')})/` }),
);

module.exports = {
  forbidden: [
    ...allow,
    R('no-circular', 'a cycle means that no part can be read alone', {}, { circular: true }),
    R('libs-not-to-apps', 'apps are made of libraries', { path: '^libs/' }, { path: '^apps/' }),
    R('libs-only-through-index', 'index.ts is the door of a library', { path: '^(?:libs|apps|test)/([^/]+)/' }, { path: '^libs/[^/]+/src/', pathNot: ['^libs/$1/', '^libs/[^/]+/src/index\\.ts$', NAMES, VIEWS, '^libs/testing/src/[^/]+/index\\.ts$'] }),
    R('names-load-little', 'a command line takes them where the index costs too much', { path: NAMES }, { path: 'node_modules/|^libs/[^/]+/src/index\\.ts$', reachable: true }),
    R('policy-not-to-sibling', 'a policy kind is one folder', { path: '^libs/policies/([^/]+)/' }, { path: '^libs/policies/', pathNot: '^libs/policies/$1/' }),
    R('only-apps-know-all-policies', 'libraries are handed the list of kinds', { path: '^libs/', pathNot: `^libs/policies/|${TEST}` }, { path: '^libs/policies/' }),
    R('pure-core-no-io', 'what is compiled must depend on inputs alone', { path: PURE, pathNot: TEST }, { path: IO }),
    R('orm-only-in-store', 'the store is the only door to Postgres', { path: '^(libs|apps)/', pathNot: '^libs/(store|testing)/' }, { path: 'node_modules/(typeorm|pg)/' }),
    R('proto-loader-only-in-envoy-api', 'service definitions come from one place', { pathNot: '^libs/envoy-api/' }, { path: 'node_modules/@grpc/proto-loader/' }),
    R('nest-only-in-apps-and-api', 'the core is plain TypeScript', { path: '^libs/', pathNot: `^libs/api/|${TEST}` }, { path: 'node_modules/@nestjs/' }),
    R('src-not-to-testing', 'tests only', { path: '^(libs|apps)/', pathNot: TEST }, { path: '^libs/testing/' }),
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '/gen/' },
    enhancedResolveOptions: { conditionNames: ['heddle-src', 'import', 'node', 'default'], exportsFields: ['exports'] },
  },
};
