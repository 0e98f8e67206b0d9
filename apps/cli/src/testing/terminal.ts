import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** As compiled by `npm run build`: exit codes and signals are those of a process. */
const MAIN = join(import.meta.dirname, '../../../../dist/apps/cli/src/main.js');

export interface Output {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A command that runs on. */
export interface Running {
  readonly child: ChildProcess;
  /** Resolves with the match when it has said this on standard error; rejects when it ends without. */
  said(words: RegExp): Promise<RegExpExecArray>;
  readonly ended: Promise<Output>;
}

const isAlive = ({ child }: Running): boolean => child.exitCode === null && child.signalCode === null;

/** A user with a home and a working directory of his own, who types `heddle ...`. */
export class Terminal {
  readonly dir = mkdtempSync(join(tmpdir(), 'heddle-cli-'));
  readonly #running: Running[] = [];

  /** @param env beside PATH, HOME and no colours */
  constructor(private readonly env: Readonly<Record<string, string>> = {}) {
    chmodSync(this.dir, 0o711); // as root, Postgres runs as another user, who has to pass through
    mkdirSync(join(this.dir, 'home'), { mode: 0o700 });
  }

  write(name: string, text: string): string {
    const file = join(this.dir, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return name;
  }

  heddle(...args: readonly string[]): Promise<Output> {
    return this.start(args).ended;
  }

  /** With text on standard input. */
  pipe(text: string, ...args: readonly string[]): Promise<Output> {
    return this.start(args, text).ended;
  }

  /** On a real terminal of so many columns, where this is typed; needs `script` of util-linux. Colours are not turned off. */
  async atTerminal(columns: number, typed: string, ...args: readonly string[]): Promise<Output> {
    const { PATH = '' } = process.env;
    const words = [process.execPath, MAIN, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`);
    const command = `stty cols ${columns}; exec ${words.join(' ')}`;
    const env = { PATH, HOME: join(this.dir, 'home'), TERM: 'xterm-256color', ...this.env };
    const child = spawn('script', ['-qec', command, '/dev/null'], { cwd: this.dir, env });
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      const asked = !out.includes('[y/N]');
      out += part;
      if (asked && out.includes('[y/N]')) child.stdin.write(typed);
    });
    await once(child, 'close');
    return { code: child.exitCode, out: out.replaceAll('\r\n', '\n'), err: '' };
  }

  /** As the leader of a process group, like a command that a shell started. */
  start(args: readonly string[], input = ''): Running {
    const { PATH = '' } = process.env;
    const env = { PATH, HOME: join(this.dir, 'home'), NO_COLOR: '1', ...this.env };
    const child = spawn(process.execPath, [MAIN, ...args], { cwd: this.dir, env, detached: true });
    const text = { out: '', err: '' };
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      text.out += part;
    });
    child.stderr.setEncoding('utf8').on('data', (part: string) => {
      text.err += part;
    });
    child.stdin.on('error', () => {}); // it may have ended before it read
    child.stdin.end(input);
    const ended = once(child, 'close').then(() => ({ code: child.exitCode, ...text }));
    const said = async (words: RegExp): Promise<RegExpExecArray> => {
      for (;;) {
        const found = words.exec(text.err);
        if (found) return found;
        const more = Promise.race([once(child.stderr, 'data'), ended.then(() => 'ended')]);
        if ((await more) === 'ended' && !words.test(text.err)) throw new Error(`it ended: ${text.err}`);
      }
    };
    const running = { child, said, ended };
    this.#running.push(running);
    return running;
  }

  /** Ctrl-C: the signal goes to every process of the group. */
  async interrupt(running: Running): Promise<Output> {
    process.kill(-(running.child.pid ?? 0), 'SIGINT');
    return running.ended;
  }

  async close(): Promise<void> {
    for (const running of this.#running.filter(isAlive)) await this.interrupt(running);
    rmSync(this.dir, { recursive: true, force: true });
  }
}
