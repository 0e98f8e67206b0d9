import { Command } from 'commander';
import { changeOf } from '../change-id.js';
import { remote, session } from '../command.js';
import { decide } from './change.js';

export const confirmCommand = (): Command =>
  remote(new Command('confirm').description('keep a change that is taken back unless it is confirmed'))
    .argument('<change>', 'c-<revision> or s-<number>, as heddle apply --confirm-within printed it')
    .action((change: string, flags: object) => decide(session(flags), changeOf(change), 'confirm'));
