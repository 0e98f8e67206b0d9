import { policyGoldens } from '#libs/testing';
import { timeoutPolicy } from './index.js';

policyGoldens(timeoutPolicy, `${import.meta.dirname}/testdata`);
