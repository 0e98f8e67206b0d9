export * from './golden-suite.js';
export * from './policy-goldens.js';
