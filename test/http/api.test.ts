/** The API under `/api`, and what holds for every route. */
import { describe, expect, test } from 'vitest';
import { createHandler } from 'fleet-q/http';
import { newQueue } from '../support/queues.js';

describe('a request', () => {
  test('to an unknown route is answered 404, and with an unknown method 405 with Allow', async () => {
    const handler = createHandler(newQueue(), { auth: 'a-token-of-sixteen-characters' });
    expect((await handler(new Request('http://pod/nope'))).status).toBe(404);
    const refused = await handler(new Request('http://pod/submit', { method: 'DELETE' }));
    expect(refused.status).toBe(405);
    expect(refused.headers.get('allow')).toBe('POST, OPTIONS');
  });
});
