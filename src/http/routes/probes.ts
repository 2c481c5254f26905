/** The probes. A placeholder. */
import type { Route } from '../route.js';

export const PROBES: readonly Route[] = [
  {
    method: 'GET',
    path: '/livez',
    tag: 'Probes',
    operationId: 'livez',
    summary: 'Whether the loops of this pod run',
    answers: { 200: { description: 'They run.' }, 503: { description: 'They do not.' } },
    handle: (_, { queue }) => ({ status: queue.health().status === 'healthy' ? 200 : 503 }),
  },
];
