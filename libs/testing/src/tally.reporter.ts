import type { Reporter, TestModule } from 'vitest/node';

/** Prints `N passed, N failed` as the very last line of a run: a file that cannot be loaded counts as a failure. */
export default class TallyReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    let passed = 0;
    let failed = 0;
    let skipped = 0;
    for (const module of modules) {
      const tests = [...module.children.allTests()];
      passed += tests.filter((test) => test.result().state === 'passed').length;
      failed += tests.filter((test) => test.result().state === 'failed').length;
      skipped += tests.filter((test) => test.result().state === 'skipped').length;
      if (module.state() === 'failed' && !tests.some((test) => test.result().state === 'failed')) failed += 1;
    }
    if (passed + failed === 0) process.exitCode = 1;
    process.on('exit', () => {
      if (skipped > 0) process.stdout.write(`${skipped} skipped\n`);
      process.stdout.write(`${passed} passed, ${failed} failed\n`);
    });
  }
}
