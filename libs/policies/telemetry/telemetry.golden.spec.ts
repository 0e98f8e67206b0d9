import { policyGoldens } from '#libs/testing';
import { telemetryPolicy } from './index.js';

policyGoldens(telemetryPolicy, `${import.meta.dirname}/testdata`);
