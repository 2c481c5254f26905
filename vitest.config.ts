import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const source = (file: string) => fileURLToPath(new URL(`src/${file}`, import.meta.url));

export default defineConfig({
  resolve: {
    // Tests and examples import the package by its own name, as a user does; here that means the sources.
    // test/package.test.ts tries the built package.
    alias: [
      { find: /^fleet-q$/, replacement: source('index.ts') },
      { find: /^fleet-q\/(\w+)$/, replacement: source('$1.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    typecheck: {
      enabled: true,
      include: ['test/**/*.test-d.ts'],
      tsconfig: './tsconfig.json',
      // Errors in other files are `npm run typecheck`'s to report.
      ignoreSourceErrors: true,
    },
    // Processes, not threads: tests kill, freeze and count the handles of whole processes.
    pool: 'forks',
    // Many tests wait for processes and timers, so two workers fit on two cores. The default there is one.
    maxWorkers: 2,
    setupFiles: ['test/support/setup.ts'],
    // Snowflake emulators, one for each worker; started by the first file that asks for one.
    globalSetup: ['test/support/fakesnow/emulator-setup.ts'],
    // Tests pass in any order; the seed of a failing order is printed, and `--sequence.seed` repeats it.
    sequence: { shuffle: { files: true, tests: true } },
    testTimeout: 20_000,
    hookTimeout: 20_000,
    // What is polled for must come; how long that takes is the machine's affair.
    expect: { poll: { timeout: 10_000 } },
    teardownTimeout: 10_000,
    dangerouslyIgnoreUnhandledErrors: false,
    restoreMocks: true,
    unstubEnvs: true,
  },
});
