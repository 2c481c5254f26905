/**
 * The steps of a worker that runs by itself: the command `fleet-q worker` makes the queue of them, from the environment.
 *
 * With Node.js 22.18 or later: `npx fleet-q worker src/steps.ts`. Compiled: `npm run build && npm start`. In a container:
 * `docker build --file node_modules/fleet-q/deploy/Dockerfile --tag fleet-q-worker .`
 */
import { defineStep } from 'fleet-q';

export const countWords = defineStep({
  type: 'count_words',
  timeoutMs: 30_000,
  run: ({ text }: { text: string }) => ({ words: text.split(/\s+/).filter((word) => word !== '').length }),
});

export const greet = defineStep({
  type: 'greet',
  maxRetries: 5,
  async run({ name }: { name: string }, { log }) {
    log.info({ name }, 'greeting');
    return `Hello, ${name}.`;
  },
});
