import { policyGoldens } from '#libs/testing';
import { authorizationPolicy } from './index.js';

policyGoldens(authorizationPolicy, `${import.meta.dirname}/testdata`);
