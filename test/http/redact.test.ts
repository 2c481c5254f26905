/** What `redact` hides, wherever a step is shown. */
import { expect, test } from 'vitest';
import { createHandler, type Redact } from 'fleet-q/http';
import { redaction } from '../../src/http/guard/redact.js';
import { newQueue } from '../support/queues.js';

const TOKEN = 'a-token-that-nobody-guesses';
const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
const SECRET = 'hunter2';

/** All that the API says of a step of each type: one that completed, and one that failed. */
async function shown(redact: Redact): Promise<Record<string, string>> {
  const queue = newQueue()
    .register('login', (args: { password: string }) => ({ session: args.password }))
    .register('fails', ({ password }: { password: string }): void => {
      throw Object.assign(new RangeError(`no such password: ${password}`), { code: 'E_LOGIN', password });
    });
  await queue.start();
  const handler = createHandler(queue, { auth: TOKEN, redact });
  const get = async (path: string): Promise<string> =>
    (await handler(new Request(`http://pod${path}`, { headers }))).text();
  const texts: Record<string, string> = {};
  for (const type of ['login', 'fails'] as const) {
    const step = { type, args: { password: SECRET }, metadata: { hint: SECRET }, maxRetries: 0 };
    const id = await queue.submit(step);
    await queue.waitFor(id).catch(() => undefined);
    const pages = [`/status/${id}`, `/api/steps/${id}`, `/api/steps?type=${type}`];
    texts[type] = (await Promise.all(pages.map(get))).join('\n');
  }
  return texts;
}

test('both hides args, metadata, result and what an error quotes, in one step and in lists', async () => {
  const { login, fails } = await shown({ login: 'both', fails: 'both' });
  expect(login).not.toContain(SECRET);
  expect(fails).not.toContain(SECRET);
  expect(login).toContain('"redacted"');
  expect(fails).toContain('RangeError');
  expect(fails).toContain('E_LOGIN');
});

test('args and result hide their own, and * stands for every other type', async () => {
  const args = await shown({ login: 'args' });
  expect(args['login']).toContain(`"session":"${SECRET}"`);
  expect(args['login']).not.toContain(`"password":"${SECRET}"`);
  expect(args['fails']).toContain(SECRET);
  const result = await shown({ login: 'result', '*': 'both' });
  expect(result['login']).toContain(`"password":"${SECRET}"`);
  expect(result['login']).not.toContain('"session"');
  expect(result['fails']).not.toContain(SECRET);
});

test.each([
  [['login'], "redact: expected an object from step type to 'args', 'result' or 'both', got an array"],
  [true, "redact: expected an object from step type to 'args', 'result' or 'both', got boolean"],
  [null, "redact: expected an object from step type to 'args', 'result' or 'both', got null"],
  [{ login: 'argz' }, `redact.login: expected 'args', 'result' or 'both', got "argz"`],
  [{ login: true }, "redact.login: expected 'args', 'result' or 'both', got boolean"],
  [{ '': 'args' }, "redact: expected step types or '*', got an empty name"],
])('%j is refused when the handler is made', (redact, message) => {
  expect(() => createHandler(newQueue(), { auth: TOKEN, redact: redact as never })).toThrow(message);
});

test('names of Object.prototype are types like others', () => {
  const { hides } = redaction({ login: 'args' });
  for (const type of ['constructor', '__proto__', 'toString']) expect(hides(type, 'args')).toBe(false);
});
