import { Command } from 'commander';
import { auditCheckpointsCommand } from './audit-checkpoints.js';
import { auditExportCommand } from './audit-export.js';
import { auditFailuresCommand } from './audit-failures.js';
import { auditSearchCommand } from './audit-search.js';
import { auditVerifyCommand } from './audit-verify.js';

export function auditCommand(): Command {
  const command = new Command('audit').description(
    'the history that nobody can edit unseen: verify, search, export it',
  );
  command.addCommand(auditVerifyCommand());
  command.addCommand(auditSearchCommand());
  command.addCommand(auditExportCommand());
  command.addCommand(auditCheckpointsCommand());
  command.addCommand(auditFailuresCommand());
  return command;
}
