export { type ChangedGroup, type Comparison, compare } from './compare.js';
export { evaluate, explain } from './evaluate.js';
export {
  type FileRequest,
  MAX_SAMPLE_REQUESTS,
  parseRequestFile,
  type RequestFileProblem,
  type WrittenRequest,
  writtenOf,
  writtenRequest,
} from './request-file.js';
export { type EncodedResource, routingConfigs } from './routing-config.js';
export type * from './types.js';
export { destinationText, effectTexts, type Reasons, requestText, why } from './words.js';
