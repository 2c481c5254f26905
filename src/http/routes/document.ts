/** The route of the OpenAPI document. */
import type { Route } from '../route.js';

export const DOCUMENT_ROUTE: Route = {
  method: 'GET',
  path: '/openapi.json',
  action: 'openapi:read',
  tag: 'API',
  operationId: 'openapi',
  summary: 'The OpenAPI 3.1 document of these routes',
  answers: { 200: { description: 'The document.', schema: { type: 'object' } } },
  handle: (_, { document }) => ({ status: 200, json: document() }),
};
