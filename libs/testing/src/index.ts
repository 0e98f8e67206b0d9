export * from './golden/index.js';
export * from './postgres/index.js';
export * from './xds-client/index.js';
