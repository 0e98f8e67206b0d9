import { policyGoldens } from '#libs/testing';
import { retryPolicy } from './index.js';

policyGoldens(retryPolicy, `${import.meta.dirname}/testdata`);
