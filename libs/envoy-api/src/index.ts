export * from './canonical.js';
export * from './decode.js';
export * from './duration.js';
export * from './http-filters.js';
export * from './messages.js';
export * from './services/definitions.js';
export * from './type-urls.js';
export * from './wire/reader.js';
