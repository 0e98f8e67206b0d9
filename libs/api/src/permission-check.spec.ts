import 'reflect-metadata';
import { Controller, Get, Module, Put } from '@nestjs/common';
import { DiscoveryModule, NestFactory } from '@nestjs/core';
import { describe, expect, it } from 'vitest';
import { Access } from './access.js';
import { PermissionCheck } from './permission-check.js';

@Controller('closed')
class ClosedController {
  @Get()
  @Access('list', 'Service')
  read(): string {
    return '';
  }
}

@Controller('open')
class OpenController {
  @Get()
  read(): string {
    return '';
  }
}

@Controller('bodiless')
class BodilessController {
  @Put()
  @Access('update', 'Service')
  write(): string {
    return '';
  }
}

@Module({})
class TestModule {}

const boot = async (controller: new () => object): Promise<void> => {
  const module = {
    module: TestModule,
    imports: [DiscoveryModule],
    controllers: [controller],
    providers: [PermissionCheck],
  };
  const app = await NestFactory.create(module, { logger: false, abortOnError: false });
  await app.init();
  await app.close();
};

describe('SEC-33: the server', () => {
  it('boots when every handler states a permission', async () => {
    await expect(boot(ClosedController)).resolves.toBeUndefined();
  });

  it('does not boot when one does not', async () => {
    await expect(boot(OpenController)).rejects.toThrow('handlers without a permission: OpenController.read');
  });

  it('does not boot when a handler takes a body of any kind', async () => {
    await expect(boot(BodilessController)).rejects.toThrow('handlers without a body rule: BodilessController.write');
  });
});
