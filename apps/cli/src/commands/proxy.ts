import { Command } from 'commander';
import { proxyBootstrap } from './proxy-bootstrap.js';
import { proxyCheck } from './proxy-check.js';
import { proxyEnvironment } from './proxy-env.js';
import { proxyRun } from './proxy-run.js';

export function proxyCommand(): Command {
  const command = new Command('proxy').description(
    'join a workload to the mesh: with stock Envoy alone, or with a process that looks after it',
  );
  for (const sub of [proxyBootstrap(), proxyRun(), proxyCheck(), proxyEnvironment()]) command.addCommand(sub);
  return command;
}
