export * from './embedded-postgres/index.js';
export { DatabaseDistrusted } from './feed/trust.js';
export { inspectDatabase, PostgresTooOld } from './inspect-database.js';
export { migrateDatabase, SchemaTooNew } from './migrate.js';
export { type OpenStoreOptions, openStore } from './open-store.js';
export * from './ports.js';
