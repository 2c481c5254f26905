/** Schemas are compiled with the first request that is served: a process that only mounts the API pays nothing for them. */
import { expect, test, vi } from 'vitest';
import { createHandler } from 'fleet-q/http';
import * as compiler from '../../src/http/validation/compiler.js';
import { newQueue } from '../support/queues.js';

vi.mock('../../src/http/validation/compiler.js', { spy: true });

const TOKEN = 'a-token-that-nobody-guesses';

test('a handler compiles the schemas of a route with its first request that is let in, and once', async () => {
  const compile = vi.mocked(compiler.compile);
  const handler = createHandler(newQueue(), { auth: TOKEN });
  const asked = async (token: string): Promise<number> => {
    const { status } = await handler(
      new Request('http://pod/api/steps', { headers: { authorization: `Bearer ${token}` } }),
    );
    return status;
  };
  expect(await asked('a-wrong-one')).toBe(401);
  expect(compile).not.toHaveBeenCalled();
  expect(await asked(TOKEN)).toBe(200);
  const calls = compile.mock.calls.length;
  expect(calls).toBeGreaterThan(0);
  expect(calls).toBeLessThanOrEqual(3); // its path, its query, its body
  expect(await asked(TOKEN)).toBe(200);
  expect(compile).toHaveBeenCalledTimes(calls);
});
