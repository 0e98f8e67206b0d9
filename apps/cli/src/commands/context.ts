import { Command } from 'commander';
import { contextPath, readContextFile, useContext } from '../context-file.js';
import { note, parseFormat, printAs, table } from '../output.js';

export function contextCommand(): Command {
  const command = new Command('context').description('control planes that this user has logged in to');
  command.addCommand(list());
  command.addCommand(use());
  return command;
}

function list(): Command {
  return new Command('list')
    .description('show them without their tokens; * is the one in use')
    .option('-o, --output <format>', 'table, json or yaml', 'table')
    .action((flags: { output: string }) => {
      const { current, contexts } = readContextFile(process.env);
      const items = Object.entries(contexts).map(([name, { server, mesh, namespace }]) => {
        return { name, current: name === current, server, mesh, namespace };
      });
      const rows = items.map((one) => [one.current ? '*' : '', one.name, one.server, one.mesh, one.namespace]);
      printAs(parseFormat(flags.output), { items }, () => table(['', 'name', 'server', 'mesh', 'namespace'], rows));
    });
}

function use(): Command {
  return new Command('use')
    .description('make a context the one in use')
    .argument('<name>')
    .action((name: string) => {
      const { server } = useContext(name, process.env);
      note(`commands go to ${server} now (${contextPath(process.env)})`);
    });
}
