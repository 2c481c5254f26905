import { defineConfig, mergeConfig } from 'vitest/config';
import base from './vitest.config.js';

// The conformance suite on a real account: `npm run test:live` starts it.
const { resolve } = base;
export default mergeConfig(
  { resolve },
  defineConfig({
    test: {
      include: ['test/live/conformance/*.live.ts'],
      pool: 'forks',
      reporters: ['./test/live/conformance/line-reporter.ts'],
      passWithNoTests: false,
      // Each statement takes a third of a second, and the tests pass real time.
      testTimeout: 600_000,
      hookTimeout: 300_000,
      teardownTimeout: 10_000,
    },
  }),
);
