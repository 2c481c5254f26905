/**
 * The loop of a process that runs seeds for its parent.
 *
 * Invariants:
 * - Each request ends with `done`. An error of the simulation is an answer, not a finding: it says nothing about the library.
 * - It ends with its parent.
 */
import type { Judge, Reply, Request } from './judgement.js';

export function serve(judge: Judge): void {
  process.on('disconnect', () => process.exit(0));
  process.on('message', (request: Request) => void answer(judge, request).then(() => say({ is: 'done' })));
}

async function answer(judge: Judge, request: Request): Promise<void> {
  if (request.do === 'make') return attempt(() => ({ is: 'made', plan: judge.planOf(request.world, request.seed) }));
  if (request.do === 'plan')
    return attempt(async () => ({ is: 'judged', judgement: await judge.judge(request.plan, request.withTrace) }));
  for (let seed = request.from; seed < request.from + request.count; seed += 1) {
    await attempt(async () => {
      const { findings } = await judge.judge(judge.planOf(request.world, seed, request.statement), false);
      return { is: 'seed', seed, findings };
    }, seed);
  }
}

async function attempt(work: () => Reply | Promise<Reply>, seed?: number): Promise<void> {
  try {
    say(await work());
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    say({ is: 'broken', error: text, ...(seed === undefined ? {} : { seed }) });
  }
}

function say(reply: Reply): void {
  process.send?.(reply);
}
