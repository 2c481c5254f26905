import { defineStep } from 'fleet-q';

/** One file, one step type: its name, its options, its args and its result. */
export const resize = defineStep({
  type: 'resize',
  timeoutMs: 30_000,
  concurrency: 2,
  async run(args: { file: string; width: number }, ctx) {
    ctx.signal.throwIfAborted();
    return { file: args.file.replace('.png', `-${args.width}.png`) };
  },
});
