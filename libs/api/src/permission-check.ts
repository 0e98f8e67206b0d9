import { Injectable, type OnModuleInit, RequestMethod } from '@nestjs/common';
import { METHOD_METADATA } from '@nestjs/common/constants.js';
import { DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core';
import { ACCESS, BODY } from './access.js';

/** Boot fails if a handler does not state who may call it, or takes a body without a rule for it (SEC-33). */
@Injectable()
export class PermissionCheck implements OnModuleInit {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    private readonly reflector: Reflector,
  ) {}

  onModuleInit(): void {
    const open = this.handlers().filter(({ handler }) => this.reflector.get(ACCESS, handler) === undefined);
    if (open.length > 0) throw new Error(`handlers without a permission: ${open.map((h) => h.name).join(', ')}`);
    const bodiless = this.handlers().filter(
      ({ method, handler }) => takesBody(method) && this.bodyRule(handler) === undefined,
    );
    if (bodiless.length > 0) throw new Error(`handlers without a body rule: ${bodiless.map((h) => h.name).join(', ')}`);
  }

  private bodyRule(handler: () => unknown): unknown {
    return this.reflector.get<unknown>(BODY, handler);
  }

  private handlers(): { name: string; method: RequestMethod; handler: () => unknown }[] {
    return this.discovery.getControllers().flatMap(({ metatype }) => {
      const prototype: unknown = metatype?.prototype;
      if (typeof prototype !== 'object' || prototype === null) return [];
      return this.scanner.getAllMethodNames(prototype).flatMap((key) => {
        const handler = (prototype as Record<string, () => unknown>)[key];
        const method: unknown = handler === undefined ? undefined : Reflect.getMetadata(METHOD_METADATA, handler);
        return handler === undefined || typeof method !== 'number'
          ? []
          : [{ name: `${metatype?.name}.${key}`, method, handler }];
      });
    });
  }
}

const takesBody = (method: RequestMethod): boolean => method === RequestMethod.PUT || method === RequestMethod.PATCH;
