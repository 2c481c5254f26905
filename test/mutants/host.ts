/**
 * One vitest in a process of its own, which stays started: it runs the test files that its parent requests, in the folder
 * in which it was started.
 *
 * Invariants:
 * - Every test file gets a process of its own, which reads the changed sources again.
 * - It ends with its parent, together with its whole process group.
 */
import { createVitest, type TestModule, type Vitest } from 'vitest/node';

export interface Request {
  /** The test file, as an absolute path. */
  readonly test: string;
  /** The sources that have changed since the last request. */
  readonly changed: readonly string[];
}

/** The failures, one line each; none if the file passed. */
export type Reply = readonly string[];

const MOST_CHARS = 300;

process.on('disconnect', () => process.kill(-process.pid, 'SIGKILL'));

const vitest = await createVitest('test', {
  root: process.cwd(),
  watch: false,
  bail: 1,
  cache: false,
  typecheck: { enabled: false },
  // The output of tests is not read; failures are sent to the parent.
  reporters: [{}],
});
await vitest.standalone();

process.on('message', (request: Request) => {
  run(vitest, request).then(
    (reply) => process.send!(reply),
    (error: unknown) => process.send!([String(error)]),
  );
});
process.send!([]);

async function run(vitest: Vitest, { test, changed }: Request): Promise<Reply> {
  for (const file of changed) vitest.invalidateFile(file);
  const specification = vitest.getRootProject().createSpecification(test);
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications([specification]);
  const ran = testModules.filter(({ moduleId }) => moduleId === test);
  const failed = [...ran.flatMap(failures), ...unhandledErrors.map((error) => line('outside of tests', error))];
  if (failed.length > 0) return failed;
  return ran.length === 1 && ran.every((module) => module.ok()) ? [] : ['the test file did not run'];
}

function failures(module: TestModule): string[] {
  return [
    ...module.errors().map((error) => line('the file', error)),
    ...[...module.children.allSuites()].flatMap((suite) => suite.errors().map((error) => line(suite.fullName, error))),
    ...[...module.children.allTests('failed')].map((test) => line(test.fullName, test.result().errors?.[0])),
  ];
}

function line(what: string, error: unknown): string {
  const { message } = (error ?? {}) as { message?: unknown };
  return `${what}: ${String(message ?? error)
    .replaceAll(/\s+/g, ' ')
    .slice(0, MOST_CHARS)}`;
}
