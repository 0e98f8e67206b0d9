/** Builders of domain values as inputs of a `TestMesh`. */
import * as domain from './domain.js';
import type { Input } from './test-mesh.js';

const put =
  <Args extends readonly unknown[], T>(type: string, build: (...args: Args) => T) =>
  (...args: Args): Input => ({ put: { type, value: build(...args) } as never });

export const aMesh = put('Mesh', domain.mesh);
export const aService = put('Service', domain.service);
export const anExternalService = put('ExternalService', domain.externalService);
export const aRoute = put('Route', domain.route);
export const aGrant = put('ReferenceGrant', domain.grant);
export const aPolicy = put('Policy', domain.policy);
export const anInstance = (...args: Parameters<typeof domain.instance>): Input => ({
  instance: domain.instance(...args),
});
export const anAddress = (service: string, number: number): Input => ({ address: [service, number] });
