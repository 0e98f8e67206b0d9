import { type ChildProcess, spawn } from 'node:child_process';

/**
 * Reads `+ PID` and `- PID` lines; at the end of its input it ends every process that is still in the list: first
 * politely, a second later for good.
 */
const SCRIPT = `
trap '' HUP INT TERM
pids=
while read -r op pid; do
  case $op in
    +) pids="$pids $pid" ;;
    -) rest=; for p in $pids; do [ "$p" = "$pid" ] || rest="$rest $p"; done; pids=$rest ;;
  esac
done
[ -n "$pids" ] || exit 0
kill -TERM $pids 2>/dev/null
sleep 1
kill -KILL $pids 2>/dev/null
`;

let guard: ChildProcess | undefined;

/**
 * Makes sure that a child process does not outlive this one, even if this one is killed with SIGKILL.
 *
 * How: one small shell per parent holds the reading end of a pipe whose only writer is this process. The kernel closes
 * the pipe when this process ends in whatever way, and the shell then ends what is still on its list. It runs in a
 * session of its own, so that Ctrl-C and a kill of our process group do not reach it. It needs a POSIX `sh` and nothing
 * else, no privilege and no system call that Node lacks.
 *
 * @returns what to call once the child has ended, so that its pid is forgotten before the system gives it away again.
 */
export function endWithParent(child: ChildProcess): () => void {
  const { pid } = child;
  if (pid === undefined) return () => {};
  tell(`+ ${pid}\n`);
  let forgotten = false;
  const forget = (): void => {
    if (!forgotten) tell(`- ${pid}\n`);
    forgotten = true;
  };
  child.once('exit', forget);
  return forget;
}

function tell(line: string): void {
  guard ??= startGuard();
  guard.stdin?.write(line);
}

function startGuard(): ChildProcess {
  const child = spawn('/bin/sh', ['-c', SCRIPT], { stdio: ['pipe', 'ignore', 'ignore'], detached: true, cwd: '/' });
  // Without a shell the guard is missing and everything else works; the next child tries again.
  const lost = (): void => {
    if (guard === child) guard = undefined;
  };
  child.once('error', lost);
  child.once('exit', lost);
  child.stdin.on('error', lost);
  child.unref();
  // Neither the shell nor the pipe to it may keep this process alive.
  if ('unref' in child.stdin && typeof child.stdin.unref === 'function') child.stdin.unref();
  return child;
}
