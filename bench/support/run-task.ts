/** The process of a task: `run-task.ts <module of figures> <task> <input>`. */
import { once } from 'node:events';
import type { Course } from './tasks.js';

type Work = (input: unknown, course: Course) => Promise<unknown>;

const [, , module = '', name = '', input = ''] = process.argv;
const send = (message: unknown): boolean | undefined => process.send?.(message);

const received = (kind: string): Promise<void> =>
  new Promise((resolve) => {
    process.on('message', (message: { kind: string }) => {
      if (message.kind === kind) resolve();
    });
  });

const begun = received('begin');
const course: Course = {
  begin: () => {
    send({ kind: 'ready' });
    return begun;
  },
  over: received('over'),
  progress: (done) => void send({ kind: 'progress', done }),
};
process.once('disconnect', () => process.exit(1)); // the parent is gone

try {
  const tasks = (await import(new URL(`../figures/${module}.ts`, import.meta.url).href)) as Record<string, Work>;
  const value = await tasks[name]?.(JSON.parse(input), course);
  process.send?.({ kind: 'result', value }, () => process.exit(0));
} catch (error) {
  process.send?.(
    { kind: 'failed', error: error instanceof Error ? (error.stack ?? error.message) : String(error) },
    () => process.exit(1),
  );
}
await once(process, 'exit');
