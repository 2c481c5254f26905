import { FleetQ } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';

// Every process that runs this is a pod of one fleet. The pods share the file, and nothing else.
const queue = new FleetQ({ store: sqlite({ path: 'quick-start.db' }) }).register(
  'count_words',
  async (args: { text: string }, ctx) => {
    ctx.log.info({ attempt: ctx.attempt }, 'counting');
    return { words: args.text.split(' ').length };
  },
);

queue.on('step:completed', ({ type, result, durationMs }) => {
  console.log(`${type} took ${durationMs.toFixed(1)} ms:`, result);
});

await queue.start();

// When submit resolves, the step survives the death of any process. The type of the id carries the type of the result.
const stepId = await queue.submit({ type: 'count_words', args: { text: 'nothing submitted is lost' } });
const { words } = await queue.waitFor(stepId, { timeoutMs: 30_000 });
console.log(`${words} words`);

await queue.stop();
